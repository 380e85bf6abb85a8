/** An agent's sweep config straight from JetStream, out of the buckets of the data service. */
import type { KvEntry } from "@nats-io/kv"
import { Effect, Layer, Option, Stream } from "effect"
import * as crypto from "node:crypto"
import {
  type Content,
  SweepConfigReader,
  SweepConfigUnavailable
} from "../../services/agent/sweep/SweepConfigReader.ts"
import * as DataServiceStores from "../inventory/DataServiceStores.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"

const callTimeout = "10 seconds"
const downloadTimeout = "2 minutes"

const contentOf = (bytes: Uint8Array): Content => ({
  bytes,
  sha256: crypto.createHash("sha256").update(bytes).digest("hex")
})

const valueOf = (entry: KvEntry): Option.Option<Content> =>
  entry.operation === "PUT" ? Option.some(contentOf(entry.value)) : Option.none()

const make = Effect.gen(function*() {
  const connection = yield* NatsConnection

  const unavailable = (key: string) => (cause: unknown) =>
    new SweepConfigUnavailable({ key, detail: cause instanceof Error ? cause.message : String(cause) })

  const attempt = <A>(key: string, limit: typeof callTimeout | typeof downloadTimeout, run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: unavailable(key) }).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(new SweepConfigUnavailable({ key, detail: `no answer within ${limit}` }))
      })
    )

  const clientFor = (key: string) => Effect.mapError(connection.client, unavailable(key))

  const values = (key: string) =>
    Stream.unwrap(Effect.gen(function*() {
      const { js, nc } = yield* clientFor(key)
      const watch = yield* Effect.acquireRelease(
        attempt(key, callTimeout, async () => {
          const bucket = await DataServiceStores.keys(js)
          return await bucket.watch({ key })
        }),
        (one) => Effect.sync(() => one.stop())
      )
      const closed = Effect.flatMap(
        Effect.promise(() => nc.closed()),
        () => Effect.fail(new SweepConfigUnavailable({ key, detail: "the connection to NATS has ended" }))
      )
      return Stream.fromAsyncIterable(watch, unavailable(key)).pipe(
        Stream.map(valueOf),
        Stream.interruptWhen(closed)
      )
    }))

  const object = Effect.fnUntraced(function*(key: string) {
    const { js } = yield* clientFor(key)
    const bytes = yield* attempt(key, downloadTimeout, async () => {
      const store = await DataServiceStores.objects(js)
      return await store.getBlob(key)
    })
    if (bytes === null) return yield* new SweepConfigUnavailable({ key, detail: "there is no such object" })
    return contentOf(bytes)
  })

  return SweepConfigReader.of({ values, object })
})

export const layer = Layer.effect(SweepConfigReader, make)
