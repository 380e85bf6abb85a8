/**
 * The nats-server of `serviceradar up`: found, started and kept as a child, or known not to be had.
 *
 * Nobody waits for it: where its package has to be fetched first, that may take a minute, and everything else goes on
 * meanwhile. Where there is none it says once how to get one, and ends in order.
 */
import { Context, Deferred, Effect, Fiber, Layer, Option } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { CertificateFiles } from "../../domain/security/SecurityConfig.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as EmbeddedNats from "../../layers/nats/server/EmbeddedNats.ts"
import * as NatsServerBinary from "../../layers/nats/server/NatsServerBinary.ts"
import { Credentials } from "../../services/security/Credentials.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LogPublication from "../../services/telemetry/LogPublication.ts"

/** Whether there is a NATS to work with; open while a server is being looked for. */
export class NatsAvailability extends Context.Service<NatsAvailability, {
  readonly decide: (isAvailable: boolean) => Effect.Effect<void>
  readonly decided: Effect.Effect<boolean>
  /** What is decided by now. */
  readonly current: Effect.Effect<Option.Option<boolean>>
}>()("serviceradar/programs/up/LocalNats/NatsAvailability") {
  static readonly layer = (decided: Option.Option<boolean>) =>
    Layer.effect(
      NatsAvailability,
      Effect.gen(function*() {
        const decision = yield* Deferred.make<boolean>()
        if (Option.isSome(decided)) yield* Deferred.succeed(decision, decided.value)
        return {
          decide: (isAvailable) => Effect.asVoid(Deferred.succeed(decision, isAvailable)),
          decided: Deferred.await(decision),
          current: Effect.suspend(() =>
            Deferred.isDoneUnsafe(decision) ? Effect.asSome(Deferred.await(decision)) : Effect.succeedNone
          )
        }
      })
    )
}

export interface LocalNatsOptions {
  /** Where streams, password and log are kept. */
  readonly home: string
  readonly search: NatsServerBinary.FindOptions
  /** With them nobody gets in without a certificate. */
  readonly certificates: CertificateFiles | undefined
  /** Told while it takes long, and when there is none. */
  readonly notice: (text: string) => Effect.Effect<void>
}

const sources: Readonly<Record<NatsServerBinary.NatsServerBinary["source"], string>> = {
  environment: "named by NATS_SERVER_BIN",
  path: "from the PATH",
  cache: "from the system's package, unpacked earlier",
  package: "from the system's package, unpacked just now"
}

const patience = "2 seconds"

/** Room for all streams at their limits, and for dead letters. */
const storeBytesMax = 10 * 2 ** 30

/** Tells when it takes long, and goes on. Not by a scope of its own: what is started here outlives the start. */
const whileLong = (notice: Effect.Effect<void>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const telling = yield* Effect.forkChild(Effect.delay(notice, patience))
    return yield* Effect.ensuring(effect, Fiber.interrupt(telling))
  })

const found = ({ notice, search }: LocalNatsOptions) => {
  const isNamed = (search.named ?? "") !== ""
  const text = isNamed ? "preparing NATS …" : "preparing NATS: fetching the system's package of nats-server …"
  return NatsServerBinary.find(search).pipe(
    whileLong(Effect.andThen(notice(text), Effect.logInfo(text))),
    Effect.asSome,
    Effect.catchTag("NatsServerUnavailable", (error) =>
      Effect.gen(function*() {
        const tried = error.tried.map(({ problem, way }) => `${way}: ${problem}`).join("; ")
        yield* notice("no nats-server: events are not stored")
        yield* Effect.logWarning(
          `No nats-server: events are not stored, all else goes on. ${error.advice}. Tried ${tried}`
        )
        return Option.none<NatsServerBinary.NatsServerBinary>()
      }))
  )
}

/** Fast the first time, as after a crash; then seldom enough for the supervisor above never to give up over it. */
export const backoff = {
  schedule: Backoff.capped({ from: "500 millis", to: "30 seconds", factor: 3 })
}

const opened = Effect.fnUntraced(function*(files: CertificateFiles | undefined) {
  if (files === undefined) return undefined
  const credentials = yield* Credentials
  return { files, source: yield* credentials.open({ _tag: "Files", files, isSvid: false, isRooted: true }) }
})

export const child = (options: LocalNatsOptions) =>
  Supervisor.child({
    id: "NATS",
    restart: "transient",
    shutdown: "10 seconds",
    backoff,
    run: Effect.gen(function*() {
      const availability = yield* NatsAvailability
      const binary = yield* found(options)
      if (Option.isNone(binary)) return yield* availability.decide(false)
      const server = yield* EmbeddedNats.start({
        home: options.home,
        binary: binary.value,
        storeBytesMax,
        certificates: yield* opened(options.certificates)
      }).pipe(
        whileLong(options.notice("starting NATS: it reads its streams …"))
      )
      yield* NatsEndpoint.use((endpoint) => endpoint.publish(server.url))
      yield* Effect.logInfo(
        `NATS ${binary.value.version} (${binary.value.path}, ${sources[binary.value.source]}) listens on ` +
          `127.0.0.1:${server.port}, streams in ${server.home}`
      )
      yield* options.notice("")
      yield* availability.decide(true)
      return yield* server.run
    }).pipe(Effect.provideService(LogPublication.isPublished, false))
  })
