/**
 * The connection to NATS, made anew for as long as the program runs.
 *
 * `keep` is the life of it, for a supervisor: it connects, and after each loss again, with jittered backoff and without
 * end; whoever is refused asks slowly. What was in flight when a connection broke is lost with it: each client stands
 * for one connection, and its users fetch the next one from `client`.
 */
import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection as Connection, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Context, Effect, FileSystem, Layer, Random, type Redacted, Schema, Stream, SubscriptionRef } from "effect"
import * as NatsAddress from "./NatsAddress.ts"
import * as NatsCredentials from "./NatsCredentials.ts"
import { NatsEndpoint } from "./NatsEndpoint.ts"
import * as NatsFailure from "./NatsFailure.ts"
import * as NatsMetrics from "./NatsMetrics.ts"
import * as NatsOutage from "./NatsOutage.ts"
import * as NatsSignals from "./NatsSignals.ts"

/** There is no connection now. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  detail: Schema.String,
  /** Our credentials or certificates are not accepted, or cannot be read. */
  isRefused: Schema.Boolean
}) {
  override get message(): string {
    return `NATS is not available: ${this.detail}`
  }
}

/** One connection and what speaks over it. */
export interface NatsClient {
  readonly nc: Connection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  /** `$JS.API`, or that of the domain. */
  readonly apiPrefix: string
  readonly version: { readonly major: number; readonly minor: number }
}

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
  readonly client: Effect.Effect<NatsClient, NatsUnavailable>
  /** Succeeds when the server answers a ping within 2 s. */
  readonly check: Effect.Effect<void, NatsUnavailable>
  /** How it stands now, and each change. */
  readonly changes: Stream.Stream<NatsStatus>
  readonly keep: Effect.Effect<never>
}>()("serviceradar/layers/nats/NatsConnection") {
  static readonly layer = (options: NatsConnectionOptions = {}) => Layer.effect(NatsConnection, make(options))
}

const connectMillis = 3_000
/** Two pings without an answer end a connection. */
const pingMillis = 5_000
const closeLimit = "2 seconds"
const backoffMillis = { first: 100, max: 2_000, refused: 10_000 }

const unavailable = (cause: unknown): NatsUnavailable =>
  new NatsUnavailable({ detail: NatsFailure.detail(cause), isRefused: NatsFailure.isRefusal(cause) })

const refused = (detail: string): NatsUnavailable => new NatsUnavailable({ detail, isRefused: true })

/** Whoever loses interest leaves no connection behind. */
const dial = (options: NodeConnectionOptions) =>
  Effect.callback<Connection, NatsUnavailable>((resume) => {
    let isAbandoned = false
    connect(options).then(
      (nc) => isAbandoned ? void nc.close() : resume(Effect.succeed(nc)),
      (cause) => resume(Effect.fail(unavailable(cause)))
    )
    return Effect.sync(() => {
      isAbandoned = true
    })
  })

/** What was said on it reaches the server, acknowledgements above all. */
const close = (nc: Connection) =>
  Effect.suspend(() => nc.isClosed() ? Effect.void : Effect.promise(() => nc.drain().catch(() => undefined))).pipe(
    Effect.timeoutOption(closeLimit),
    Effect.andThen(Effect.promise(() => nc.close()).pipe(Effect.timeoutOption(closeLimit)))
  )

const open = (options: NodeConnectionOptions) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(dial(options)), (nc) => Effect.addFinalizer(() => close(nc)))
  )

const versionOf = (text: string): NatsClient["version"] => {
  const [major = 0, minor = 0] = text.split(".", 2).map((part) => Number.parseInt(part, 10) || 0)
  return { major, minor }
}

const clientOf = (nc: Connection, domain: string | undefined) =>
  Effect.promise(async (): Promise<NatsClient> => {
    const place = domain === undefined || domain === "" ? {} : { domain }
    return {
      nc,
      js: jetstream(nc, { ...place }),
      jsm: await jetstreamManager(nc, { ...place, checkAPI: false }),
      apiPrefix: "domain" in place ? `$JS.${place.domain}.API` : "$JS.API",
      version: versionOf(nc.info?.version ?? "")
    }
  })

const make = Effect.fnUntraced(function*(options: NatsConnectionOptions) {
  const endpoint = yield* NatsEndpoint
  const fileSystem = yield* FileSystem.FileSystem
  const status = yield* SubscriptionRef.make<NatsStatus>({ _tag: "Connecting" })
  let current: NatsClient | undefined

  /** Fails when the connection ends, or does not come about. */
  const session = Effect.fnUntraced(
    function*(address: NatsAddress.NatsAddress, known: Set<string>, outage: NatsOutage.NatsOutage) {
      const credentials = yield* NatsCredentials.load(options.credentials ?? {}, address).pipe(
        Effect.provideService(FileSystem.FileSystem, fileSystem),
        Effect.mapError((error) => refused(error.message))
      )
      const nc = yield* open({
        ...credentials,
        servers: [...known],
        name: options.name ?? "serviceradar",
        // Each connection is a client of its own; what follows a loss is decided here.
        reconnect: false,
        timeout: connectMillis,
        pingInterval: pingMillis,
        maxPingOut: 2,
        noAsyncTraces: true
      })
      const client = yield* clientOf(nc, options.domain)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          current = undefined
        })
      )
      current = client
      const version = nc.info?.version ?? "of an unknown version"
      yield* SubscriptionRef.set(status, { _tag: "Connected", server: nc.getServer(), version })
      yield* NatsMetrics.connected
      yield* outage.ended(`Connected to NATS ${version} at ${nc.getServer()}`)
      const closed = Effect.flatMap(Effect.promise(() => nc.closed()), (cause) => Effect.fail(unavailable(cause)))
      const moved = Effect.flatMap(NatsSignals.watch(nc), (reason) => Effect.fail(unavailable(reason)))
      return yield* Effect.raceFirst(closed, moved).pipe(
        Effect.ensuring(Effect.sync(() => {
          for (const server of nc.getServers()) known.add(server.listen)
        }))
      )
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
    const outage = NatsOutage.make(`NATS at ${address.servers.join(", ")}`)
    for (let attempt = 0;; attempt++) {
      const error = yield* Effect.flip(session(address, known, outage))
      yield* SubscriptionRef.set(status, { _tag: "Away", detail: error.detail, isRefused: error.isRefused })
      yield* NatsMetrics.away(error.isRefused)
      if (yield* outage.began(error)) attempt = 0
      const { first, max, refused } = backoffMillis
      const delay = error.isRefused ? refused : Math.min(max, first * 2 ** attempt)
      yield* Effect.sleep(delay * (yield* Random.nextBetween(0.8, 1.2)))
    }
  })

  const client = Effect.suspend(() => {
    if (current !== undefined && !current.nc.isClosed()) return Effect.succeed(current)
    const now = SubscriptionRef.getUnsafe(status)
    return now._tag === "Away"
      ? Effect.fail(new NatsUnavailable({ detail: now.detail, isRefused: now.isRefused }))
      : Effect.fail(new NatsUnavailable({ detail: "not connected yet", isRefused: false }))
  })

  return NatsConnection.of({
    client,
    check: client.pipe(
      Effect.flatMap(({ nc }) => Effect.tryPromise({ try: () => nc.rtt(), catch: unavailable })),
      Effect.timeoutOrElse({
        duration: "2 seconds",
        orElse: () => Effect.fail(new NatsUnavailable({ detail: "no answer within 2 s", isRefused: false }))
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
