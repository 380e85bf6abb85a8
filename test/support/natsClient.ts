/** The connection of the program to a server of the test, kept for as long as the scope is open. */
import { Effect, Layer, Option, Redacted, Schedule } from "effect"
import type { NatsClient } from "../../src/layers/nats/connection/NatsClient.ts"
import { NatsConnection, type NatsConnectionOptions } from "../../src/layers/nats/connection/NatsConnection.ts"
import { NatsEndpoint } from "../../src/layers/nats/connection/NatsEndpoint.ts"
import { Credentials } from "../../src/services/security/Credentials.ts"
import { secured } from "./secured.ts"

/** `NatsConnection` that is being kept, as are its certificates; `url` is where the server is. */
export const layer = (url: string, options: NatsConnectionOptions = {}) =>
  Layer.effectDiscard(Effect.gen(function*() {
    yield* Effect.forkScoped((yield* NatsConnection).keep)
    yield* Effect.forkScoped((yield* Credentials).keep)
  })).pipe(
    Layer.provideMerge(NatsConnection.layer(options)),
    Layer.provideMerge(NatsEndpoint.layer(Option.some(Redacted.make(url)))),
    Layer.provide(secured)
  )

/** The client, as soon as there is one. */
export const ready = (connection: NatsConnection["Service"]): Effect.Effect<NatsClient> =>
  connection.client.pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeout("20 seconds"),
    Effect.orDie
  )

/** Until the effect gives what is wanted; fails with the last that it gave. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, isWanted: (value: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: isWanted }),
    Effect.timeout("20 seconds")
  )
