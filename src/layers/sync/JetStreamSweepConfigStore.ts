/**
 * Agents' keys and objects in JetStream itself, in the buckets of ServiceRadar's data service: its clients find there
 * what they would find through it.
 */
import { Kvm } from "@nats-io/kv"
import { Objm } from "@nats-io/obj"
import { Effect, Layer, Option, Stream } from "effect"
import { dataServiceBuckets } from "../../domain/inventory/DataServiceBuckets.ts"
import { type ObjectUpload, SweepConfigStore, SweepConfigStoreError } from "../../services/sync/SweepConfigStore.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"

const callTimeout = "10 seconds"
const uploadTimeout = "5 minutes"

const detailOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const make = Effect.gen(function*() {
  const connection = yield* NatsConnection

  const attempt = <A>(
    step: string,
    key: string,
    limit: typeof callTimeout | typeof uploadTimeout,
    run: (client: Effect.Success<typeof connection.client>) => Promise<A>
  ) =>
    connection.client.pipe(
      Effect.mapError((error) => new SweepConfigStoreError({ step, key, detail: error.message })),
      Effect.flatMap((client) =>
        Effect.tryPromise({
          try: () => run(client),
          catch: (cause) => new SweepConfigStoreError({ step, key, detail: detailOf(cause) })
        })
      ),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(new SweepConfigStoreError({ step, key, detail: `no answer within ${limit}` }))
      })
    )

  const upload = Effect.fnUntraced(function*({ content, key }: ObjectUpload) {
    // A failure while reading our own file ends the upload; it is told as the upload's.
    const readable = yield* Stream.toReadableStreamEffect(content)
    return yield* attempt("uploading", key, uploadTimeout, async ({ js }) => {
      const store = await new Objm(js).create(dataServiceBuckets.objects)
      const { chunks, digest, size } = await store.put({ name: key }, readable)
      // JetStream names the algorithm in front; in a pointer, as the data service writes it, agents expect the hash alone.
      return { bytes: size, sha256: digest.replace(/^SHA-256=/, ""), chunks }
    })
  })

  return SweepConfigStore.of({
    read: (key) =>
      attempt("reading", key, callTimeout, async ({ js }) => {
        const bucket = await new Kvm(js).create(dataServiceBuckets.keys, { history: 1 })
        const entry = await bucket.get(key)
        return entry === null || entry.operation !== "PUT" ? Option.none() : Option.some(entry.value)
      }),
    put: (key, value) =>
      attempt("writing", key, callTimeout, async ({ js }) => {
        const bucket = await new Kvm(js).create(dataServiceBuckets.keys, { history: 1 })
        await bucket.put(key, value)
      }),
    upload,
    removeObject: (key) =>
      attempt("removing", key, callTimeout, async ({ js }) => {
        const store = await new Objm(js).create(dataServiceBuckets.objects)
        const info = await store.info(key)
        if (info !== null) await store.delete(key)
      })
  })
})

export const layer = Layer.effect(SweepConfigStore, make)
