/**
 * Settings of the existing system's services, in the key-value store that they follow: shown, changed, and who follows them.
 *
 * They are the machine's, as what pollers report is: to people of another tenant, and within a partition, it is as if there were no
 * store. They hold passwords, so a token of scope `read` does not see them.
 */
import { Effect, Option, Result } from "effect"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import * as ExactJson from "../../domain/monitoring/ExactJson.ts"
import * as ConfigDescriptors from "../../domain/v1/ConfigDescriptors.ts"
import * as OwnStatuses from "../../services/v1/OwnStatuses.ts"
import * as Settings from "../../services/v1/Settings.ts"
import { SettingsStore, type SettingsStoreError } from "../../services/v1/SettingsStore.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

/** The one store that there is, as the existing core's list of them has it. */
const storeId = "local"

const noStore = "KV client not available"

const missing = (status: number) => new Refused({ status, words: noStore })

/** Of a store by another name there is none, and nothing is written to this one in its place. */
const isMeant = ({ query }: Call): boolean => ["", storeId].includes(query.get("kv_store_id") ?? "")

const isSeen = (call: Call): boolean =>
  isMeant(call) && call.asker.actor["tenantId"] === defaultTenantId &&
  typeof call.asker.actor["partitionId"] !== "string"

const tell = (error: SettingsStoreError) =>
  error.reason._tag === "NoStore" ? Effect.void : Effect.logWarning(`Settings: ${error.message}`)

/** Fails with a status of its own where there is no store, and with `away` where it does not answer. */
const asked = <A, R>(
  call: Call,
  status: number,
  away: string,
  effect: Effect.Effect<A, SettingsStoreError | Refused, R>
): Effect.Effect<A, Refused, R> =>
  isSeen(call)
    ? effect.pipe(
      Effect.catchTag("SettingsStoreError", (error) =>
        Effect.andThen(
          tell(error),
          error.reason._tag === "NoStore" ? missing(status) : new Refused({ status, words: away })
        ))
    )
    : Effect.fail(missing(status))

const place = SettingsStore.use((store) => store.place)

const endpoints: Handle = (call) =>
  asked(
    call,
    502,
    noStore,
    Effect.map(place, ({ address, domain }) =>
      V1Answers.json([{ id: storeId, name: storeId, address, domain, type: "nats" }]))
  )

const info: Handle = (call) => {
  const named = call.query.get("kv_store_id") ?? ""
  return asked(
    call,
    502,
    noStore,
    Effect.map(
      place,
      ({ bucket, domain }) => V1Answers.json({ domain, bucket, ...(named === "" ? {} : { kv_store_id: named }) })
    )
  )
}

const list: Handle = () => Effect.succeed(V1Answers.json(ConfigDescriptors.descriptors))

const globals = ConfigDescriptors.descriptors.flatMap((one) =>
  one.kv_key === undefined ? [] : [{ ...one, kv_key: one.kv_key }]
)

const status: Handle = Effect.fnUntraced(function*(call) {
  const entries = yield* Effect.forEach(globals, ({ format, kv_key, name, scope, service_type }) => {
    const entry = { name, service_type, scope, kv_key, format }
    return asked(call, 502, "the key-value store does not answer", Settings.isThere(kv_key)).pipe(
      Effect.map((found) => ({ ...entry, found })),
      Effect.catch(({ words }) => Effect.succeed({ ...entry, found: false, error: words }))
    )
  }, { concurrency: globals.length })
  const errors = entries.filter((entry) => "error" in entry).length
  const absent = entries.filter((entry) => !entry.found && !("error" in entry))
  const [first] = absent
  const answer = {
    missing_count: absent.length,
    error_count: errors,
    ...(first === undefined ? {} : { first_missing: first }),
    entries
  }
  if (errors > 0) return V1Answers.json({ status: "error", ...answer }, 502)
  return absent.length > 0
    ? V1Answers.json({ status: "missing", ...answer }, 503)
    : V1Answers.json({ status: "ok", ...answer })
})

const watchers: Handle = Effect.fnUntraced(function*(call) {
  const services = yield* OwnStatuses.services(call.asker, { limit: 10_000 })
  const keys = ConfigDescriptors.watcherKeys(
    services.map(({ pollerId }) => pollerId),
    services.map(({ agentId }) => agentId)
  )
  // Without a store nobody follows one.
  const all = yield* asked(call, 502, noStore, Settings.watchers(keys)).pipe(Effect.orElseSucceed(() => []))
  const service = call.query.get("service")?.trim().toLowerCase() ?? ""
  return V1Answers.json(all.filter((one) => service === "" || one.service.toLowerCase() === service))
})

const settingOf = ({ at, query }: Call) => {
  const found = ConfigDescriptors.find(at["service"] ?? "", {
    agentId: query.get("agent_id") ?? "",
    pollerId: query.get("poller_id") ?? ""
  })
  return found === undefined
    ? Effect.fail(new Refused({ status: 400, words: "configuration key could not be determined" }))
    : Effect.succeed(found)
}

const show: Handle = Effect.fnUntraced(function*(call) {
  const { descriptor, key } = yield* settingOf(call)
  const failed = "failed to load configuration"
  const setting = yield* asked(call, 500, failed, Settings.find(key, descriptor))
  if (Option.isNone(setting)) {
    return yield* new Refused({ status: 404, words: "configuration not found (template unavailable)" })
  }
  const { revision, text } = setting.value
  const config = Result.try(() => ExactJson.parse(text))
  if (Result.isFailure(config)) return yield* new Refused({ status: 500, words: "failed to encode configuration" })
  const { origin = "unknown", updated_at, writer } = yield* asked(call, 500, failed, Settings.originOf(key))
  return V1Answers.json({
    metadata: {
      service: descriptor.name,
      kv_key: key,
      revision,
      origin,
      ...(writer === undefined ? {} : { last_writer: writer }),
      ...(updated_at === undefined ? {} : { updated_at }),
      format: descriptor.format
    },
    config: config.success
  })
})

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

const change: Handle = Effect.fnUntraced(function*(call) {
  const { descriptor, key } = yield* settingOf(call)
  const given = Result.try(() => ExactJson.parse(call.body))
  if (Result.isFailure(given) || !isObject(given.success)) {
    return yield* new Refused({ status: 400, words: "invalid configuration data" })
  }
  const text = ExactJson.stringify(given.success)
  const user = call.asker.name
  yield* asked(
    call,
    500,
    "failed to write configuration to KV",
    Settings.change(key, text, user)
  )
  yield* Effect.logInfo(`Request ${call.asker.requestId}: ${user} changed ${key}`)
  return V1Answers.json({
    bytes: Buffer.byteLength(text),
    key,
    kv_store_id: call.query.get("kv_store_id") ?? "",
    service: descriptor.name,
    service_type: call.query.get("service_type") ?? "",
    status: "updated",
    user
  })
})

const shown = { method: "GET", role: "admin", style: "json" } as const

export const settingsRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/kv/endpoints", role: "viewer", handle: endpoints },
  { ...shown, path: "/api/kv/info", role: "viewer", handle: info },
  { ...shown, path: "/api/admin/config", handle: list },
  { ...shown, path: "/api/admin/config/status", handle: status },
  { ...shown, path: "/api/admin/config/watchers", handle: watchers },
  { ...shown, path: "/api/admin/config/{service}", isRead: false, handle: show },
  { ...shown, method: "PUT", path: "/api/admin/config/{service}", handle: change }
]
