/**
 * Settings in JetStream itself, in the bucket of ServiceRadar's data service: its clients find there what is written here.
 */
import { Effect, Option } from "effect"
import { dataServiceBuckets } from "../../domain/inventory/DataServiceBuckets.ts"
import { SettingsStore, SettingsStoreError, type Store } from "../../services/v1/SettingsStore.ts"
import * as DataServiceStores from "../inventory/DataServiceStores.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"

const limit = "5 seconds"

const detailOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const bucket = dataServiceBuckets.keys

const make = Effect.gen(function*() {
  const connection = yield* NatsConnection
  const attempt = <A>(
    step: string,
    key: string,
    run: (client: Effect.Success<typeof connection.client>) => Promise<A>
  ) =>
    connection.client.pipe(
      Effect.mapError((error) => SettingsStoreError.away(key, step, error.message)),
      Effect.flatMap((client) =>
        Effect.tryPromise({
          try: () => run(client),
          catch: (cause) => SettingsStoreError.away(key, step, detailOf(cause))
        })
      ),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(SettingsStoreError.away(key, step, `no answer within ${limit}`))
      })
    )
  return {
    place: attempt("asking for", bucket, async ({ apiPrefix, js, nc }) => {
      await DataServiceStores.keys(js)
      const [, domain = ""] = /^\$JS\.(.+)\.API$/.exec(apiPrefix) ?? []
      return { address: nc.getServer(), domain, bucket }
    }),
    read: (key) =>
      attempt("reading", key, async ({ js }) => {
        const entry = await (await DataServiceStores.keys(js)).get(key)
        return entry === null || entry.operation !== "PUT"
          ? Option.none()
          : Option.some({ text: entry.string(), revision: entry.revision })
      }),
    put: (key, text) =>
      attempt("writing", key, async ({ js }) => {
        await (await DataServiceStores.keys(js)).put(key, text)
      })
  } satisfies Store
})

/** For a supervisor: lets core use the store for as long as it runs. */
export const start = Effect.flatMap(make, (store) => SettingsStore.use(({ attach }) => attach(store))).pipe(
  Effect.as(Effect.never)
)
