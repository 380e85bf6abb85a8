/**
 * The connection to NATS, made anew for as long as the program runs.
 *
 * `keep` is the life of it, for a supervisor: it connects, and after each loss again, with jittered backoff and without
 * end; whoever is refused asks slowly. What was in flight when a connection broke is lost with it: each client stands
 * for one connection, and its users fetch the next one from `client`.
 */
import { Context, Effect, Exit, FileSystem, Layer, Random, type Redacted, Scope, Stream, SubscriptionRef } from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import { Credentials } from "../../../services/security/Credentials.ts"
import * as RefusedConnection from "../../../services/security/RefusedConnection.ts"
import * as NatsSignals from "../server/NatsSignals.ts"
import * as NatsAddress from "./NatsAddress.ts"
import * as NatsClient from "./NatsClient.ts"
import * as NatsCredentials from "./NatsCredentials.ts"
import { NatsEndpoint } from "./NatsEndpoint.ts"
import * as NatsMetrics from "./NatsMetrics.ts"
import * as NatsOutage from "./NatsOutage.ts"

export type NatsStatus =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Connected"; readonly server: string; readonly version: string }
  | { readonly _tag: "Away"; readonly detail: string; readonly isRefused: boolean }

export interface NatsConnectionOptions {
  /** Shown by the server. Default `serviceradar`. */
  readonly name?: string | undefined
  /** JetStream domain. */
  readonly domain?: string | undefined
  readonly credentials?: NatsCredentials.NatsCredentialsOptions | undefined
}

export class NatsConnection extends Context.Service<NatsConnection, {
  readonly client: Effect.Effect<NatsClient.NatsClient, NatsClient.NatsUnavailable>
  /** Succeeds when the server answers a ping within 2 s. */
  readonly check: Effect.Effect<void, NatsClient.NatsUnavailable>
  /** How it stands now, and each change. */
  readonly changes: Stream.Stream<NatsStatus>
  readonly keep: Effect.Effect<never>
}>()("serviceradar/layers/nats/NatsConnection") {
  static readonly layer = (options: NatsConnectionOptions = {}) => Layer.effect(NatsConnection, make(options))
}

const connectMillis = 3_000
/** Two pings without an answer end a connection. */
const pingMillis = 5_000
const backoff = { from: "100 millis", to: "2 seconds" } as const
const refusedBackoff = { from: "10 seconds", to: "10 seconds" } as const

const refused = (detail: string): NatsClient.NatsUnavailable =>
  new NatsClient.NatsUnavailable({ detail, isRefused: true })

const make = Effect.fnUntraced(function*(options: NatsConnectionOptions) {
  const endpoint = yield* NatsEndpoint
  const fileSystem = yield* FileSystem.FileSystem
  const certificates = yield* Credentials
  const life = yield* Effect.scope
  const refusals = yield* RefusedConnection.recorder
  const status = yield* SubscriptionRef.make<NatsStatus>({ _tag: "Connecting" })
  let current: NatsClient.NatsClient | undefined

  /** Fails when the connection ends, or does not come about; ends when the next one should take its place. */
  const session = Effect.fnUntraced(
    function*(
      address: NatsAddress.NatsAddress,
      known: Set<string>,
      outage: NatsOutage.NatsOutage,
      before: Scope.Closeable | undefined
    ) {
      const { options: credentials, renewals } = yield* NatsCredentials.load(options.credentials ?? {}, address).pipe(
        Effect.provideService(FileSystem.FileSystem, fileSystem),
        Effect.provideService(Credentials, certificates),
        Effect.mapError((error) => refused(error.message))
      )
      const client = yield* NatsClient.open({
        ...credentials,
        servers: [...known],
        name: options.name ?? "serviceradar",
        // Each connection is a client of its own; what follows a loss is decided here.
        reconnect: false,
        timeout: connectMillis,
        pingInterval: pingMillis,
        maxPingOut: 2,
        noAsyncTraces: true
      }, options.domain)
      const { nc } = client
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (current === client) current = undefined
        })
      )
      current = client
      // Drained now that whoever asks is given this one.
      if (before !== undefined) yield* Effect.forkIn(Scope.close(before, Exit.void), life)
      const version = nc.info?.version ?? "of an unknown version"
      yield* SubscriptionRef.set(status, { _tag: "Connected", server: nc.getServer(), version })
      yield* NatsMetrics.connected
      yield* outage.ended(`Connected to NATS ${version} at ${nc.getServer()}`)
      const closed = Effect.flatMap(
        Effect.promise(() => nc.closed()),
        (cause) => Effect.fail(NatsClient.unavailable(cause))
      )
      const moved = Effect.flatMap(NatsSignals.watch(nc), (reason) => Effect.fail(NatsClient.unavailable(reason)))
      const renewed = Effect.asVoid(Stream.runHead(renewals))
      return yield* Effect.raceFirst(Effect.raceFirst(closed, moved), renewed).pipe(
        Effect.ensuring(Effect.sync(() => {
          for (const server of nc.getServers()) known.add(server.listen)
        }))
      )
    }
  )

  /** Sessions, each of which begins before the one before it has ended, until one fails. */
  const sessions = Effect.fnUntraced(
    function*(address: NatsAddress.NatsAddress, known: Set<string>, outage: NatsOutage.NatsOutage) {
      let before: Scope.Closeable | undefined
      for (;;) {
        const scope = yield* Scope.fork(yield* Effect.scope)
        yield* session(address, known, outage, before).pipe(Scope.provide(scope))
        before = scope
      }
    },
    Effect.scoped
  )

  const follow = Effect.fnUntraced(function*(url: Redacted.Redacted) {
    const parsed = NatsAddress.parse(url)
    if (parsed._tag === "Failure") {
      yield* SubscriptionRef.set(status, { _tag: "Away", detail: parsed.failure, isRefused: true })
      yield* Effect.logError(`The address of NATS ${parsed.failure}: waiting for another one`)
      return yield* Effect.never
    }
    const address = parsed.success
    const known = new Set(address.servers)
    const outage = NatsOutage.make(
      `NATS at ${address.servers.join(", ")}`,
      (reason) => refusals({ peer: address.servers.join(", "), reason })
    )
    for (let attempt = 0;; attempt++) {
      const error = yield* Effect.flip(sessions(address, known, outage))
      yield* SubscriptionRef.set(status, { _tag: "Away", detail: error.detail, isRefused: error.isRefused })
      yield* NatsMetrics.away(error.isRefused)
      if (yield* outage.began(error)) attempt = 0
      yield* Effect.sleep(Backoff.delay(error.isRefused ? refusedBackoff : backoff, attempt, yield* Random.next))
    }
  })

  const client = Effect.suspend(() => {
    if (current !== undefined && !current.nc.isClosed()) return Effect.succeed(current)
    const now = SubscriptionRef.getUnsafe(status)
    return now._tag === "Away"
      ? Effect.fail(new NatsClient.NatsUnavailable({ detail: now.detail, isRefused: now.isRefused }))
      : Effect.fail(new NatsClient.NatsUnavailable({ detail: "not connected yet", isRefused: false }))
  })

  return NatsConnection.of({
    client,
    check: client.pipe(
      Effect.flatMap(({ nc }) => Effect.tryPromise({ try: () => nc.rtt(), catch: NatsClient.unavailable })),
      Effect.timeoutOrElse({
        duration: "2 seconds",
        orElse: () => Effect.fail(new NatsClient.NatsUnavailable({ detail: "no answer within 2 s", isRefused: false }))
      }),
      Effect.asVoid
    ),
    changes: SubscriptionRef.changes(status),
    keep: endpoint.urls.pipe(
      Stream.switchMap((url) => Stream.fromEffect(follow(url))),
      Stream.runDrain,
      Effect.andThen(Effect.never)
    )
  })
})
