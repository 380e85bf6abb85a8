/**
 * Agents' keys and objects in JetStream itself, in the buckets of ServiceRadar's data service: its clients find there
 * what they would find through it.
 */
import { Clock, Duration, Effect, Layer, Option, Stream } from "effect"
import { dataServiceBuckets } from "../../domain/inventory/DataServiceBuckets.ts"
import { type ObjectUpload, SweepConfigStore, SweepConfigStoreError } from "../../services/sync/SweepConfigStore.ts"
import * as DataServiceStores from "../inventory/DataServiceStores.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"

const callTimeout = "10 seconds"
const uploadTimeout = "5 minutes"

/** An upload that sends nothing for so long is over, whoever made it. */
const leftoverAgeDefault = Duration.hours(1)

export interface JetStreamSweepConfigStoreOptions {
  /** How long nothing must have come for an upload until what it left is removed. */
  readonly leftoverAge?: Duration.Duration
}

/** As it stands in a pointer: JetStream names the algorithm in front, where agents expect the hash alone. */
const hashOf = (digest: string): string => digest.replace(/^SHA-256=/, "")

const detailOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const make = Effect.fnUntraced(function*({ leftoverAge = leftoverAgeDefault }: JetStreamSweepConfigStoreOptions) {
  const connection = yield* NatsConnection
  let tidiedAt = 0

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
      const store = await DataServiceStores.objects(js)
      const { chunks, digest, size } = await store.put({ name: key }, readable)
      return { bytes: size, sha256: hashOf(digest), chunks }
    })
  })

  /**
   * Pieces of uploads that were cut off with their connection: no object names them, so nothing else ever removes them.
   * The bucket is shared; what may still be under way, of whoever, stays.
   */
  const removeLeftovers = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const ageMillis = Duration.toMillis(leftoverAge)
    if (now - tidiedAt < ageMillis) return
    tidiedAt = now
    const removed = yield* attempt("tidying", dataServiceBuckets.objects, callTimeout, async ({ js }) => {
      const jsm = await js.jetstreamManager()
      const stream = `OBJ_${dataServiceBuckets.objects}`
      const piecesOf = (nuid: string) => `$O.${dataServiceBuckets.objects}.C.${nuid}`
      const { state } = await jsm.streams.info(stream, { subjects_filter: piecesOf(">") })
      const store = await DataServiceStores.objects(js)
      const used = new Set((await store.list()).map(({ nuid }) => piecesOf(nuid)))
      let count = 0
      for (const subject of Object.keys(state.subjects ?? {}).filter((one) => !used.has(one))) {
        const last = await jsm.streams.getMessage(stream, { last_by_subj: subject })
        if (last === null || now - last.time.getTime() < ageMillis) continue
        await jsm.streams.purge(stream, { filter: subject })
        count += 1
      }
      return count
    })
    if (removed > 0) {
      yield* Effect.logInfo(`Removed what ${removed} broken uploads left in ${dataServiceBuckets.objects}`)
    }
  })

  return SweepConfigStore.of({
    read: (key) =>
      attempt("reading", key, callTimeout, async ({ js }) => {
        const bucket = await DataServiceStores.keys(js)
        const entry = await bucket.get(key)
        return entry === null || entry.operation !== "PUT" ? Option.none() : Option.some(entry.value)
      }),
    put: (key, value) =>
      attempt("writing", key, callTimeout, async ({ js }) => {
        const bucket = await DataServiceStores.keys(js)
        await bucket.put(key, value)
      }),
    stat: (key) =>
      attempt("looking for", key, callTimeout, async ({ js }) => {
        const store = await DataServiceStores.objects(js)
        const info = await store.info(key)
        return info === null || info.deleted
          ? Option.none()
          : Option.some({ bytes: info.size, sha256: hashOf(info.digest), chunks: info.chunks })
      }),
    // Leftovers take room and do no harm: that they cannot be removed just now fails nothing.
    upload: (given) => Effect.tap(upload(given), () => Effect.ignore(removeLeftovers)),
    removeObject: (key) =>
      attempt("removing", key, callTimeout, async ({ js }) => {
        const store = await DataServiceStores.objects(js)
        const info = await store.info(key)
        if (info !== null) await store.delete(key)
      })
  })
})

export const layer = (options: JetStreamSweepConfigStoreOptions = {}) => Layer.effect(SweepConfigStore, make(options))
