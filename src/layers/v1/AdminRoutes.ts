/**
 * Settings in a key-value store, and packages for new pollers: core has neither, and answers as the existing core does where both
 * are switched off.
 */
import { Effect, Option, Result, Schema } from "effect"
import * as ConfigDescriptors from "../../domain/v1/ConfigDescriptors.ts"
import { type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const answer = (body: unknown, status = 200): Handle => () => Effect.succeed(V1Answers.json(body, status))

const refuse = (status: number, words: string): Handle => () => Effect.fail(new Refused({ status, words }))

const noStore = "KV client not available"

const states = ConfigDescriptors.descriptors.map((
  { format, kv_key, kv_key_template, name, scope, service_type }
) => ({ name, service_type, scope, kv_key: kv_key ?? kv_key_template ?? "", format, found: false, error: noStore }))

const status = answer({
  status: "error",
  missing_count: 0,
  error_count: states.length,
  first_missing: "",
  entries: states
}, 502)

const settings: Handle = ({ at, query }) =>
  Effect.fail(
    ConfigDescriptors.isNamed(at["service"] ?? "", query)
      ? new Refused({ status: 500, words: noStore })
      : new Refused({ status: 400, words: "configuration key could not be determined" })
  )

const setSettings: Handle = (call) =>
  Result.isFailure(Result.try((): unknown => JSON.parse(call.body)))
    ? Effect.fail(new Refused({ status: 400, words: "invalid configuration data" }))
    : settings(call)

const statuses = new Set(["issued", "delivered", "activated", "revoked", "expired", "deleted"])

const packages: Handle = ({ query }) => {
  const limit = query.get("limit")
  if (limit !== null && !/^[1-9]\d{0,8}$/.test(limit)) {
    return Effect.fail(new Refused({ status: 400, words: "limit must be a positive integer" }))
  }
  const unknown = query.getAll("status").find((one) => !statuses.has(one))
  return Effect.fail(
    unknown === undefined
      ? new Refused({ status: 502, words: "failed to list packages" })
      : new Refused({ status: 400, words: `unknown status ${unknown.slice(0, 64)}` })
  )
}

const disabled = "Edge onboarding service is disabled"

const decodeDownload = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ download_token: Schema.NonEmptyString }))
)

const download: Handle = ({ body }) =>
  Effect.fail(
    Option.isNone(decodeDownload(body))
      ? new Refused({ status: 400, words: "download_token is required" })
      : new Refused({ status: 503, words: disabled })
  )

/** Of the later web application: with a token anybody may, and there is no package. */
const bundle: Handle = ({ query }) =>
  Effect.succeed(
    (query.get("token") ?? "") === ""
      ? V1Answers.json({ error: "token is required" }, 400)
      : V1Answers.json({ errors: { detail: "Not Found" } }, 404)
  )

const failed = refuse(502, "failed to fetch package")

const store = { method: "GET", role: "viewer", style: "json" } as const
const shown = { method: "GET", role: "admin", style: "json" } as const
const packageOf = "/api/admin/edge-packages/{id}"

export const adminRoutes: ReadonlyArray<Route> = [
  { ...store, path: "/api/kv/endpoints", handle: refuse(502, noStore) },
  { ...store, path: "/api/kv/info", handle: refuse(502, noStore) },
  { ...shown, path: "/api/admin/config", handle: answer(ConfigDescriptors.descriptors) },
  { ...shown, path: "/api/admin/config/status", handle: status },
  { ...shown, path: "/api/admin/config/watchers", handle: answer([]) },
  { ...shown, path: "/api/admin/config/{service}", handle: settings },
  { ...shown, method: "PUT", path: "/api/admin/config/{service}", handle: setSettings },
  { ...shown, path: "/api/admin/datasvc-instances", handle: answer([]) },
  { ...shown, path: "/api/admin/component-templates", handle: answer([]) },
  {
    ...shown,
    method: "POST",
    path: "/api/admin/spire/join-tokens",
    handle: refuse(503, "SPIRE admin integration unavailable")
  },
  { ...shown, path: "/api/admin/edge-packages", handle: packages },
  { ...shown, method: "POST", path: "/api/admin/edge-packages", handle: refuse(503, disabled) },
  { ...shown, path: "/api/admin/edge-packages/defaults", handle: answer({}) },
  { ...shown, path: packageOf, handle: failed },
  { ...shown, method: "DELETE", path: packageOf, handle: failed },
  { ...shown, path: `${packageOf}/events`, handle: failed },
  { ...shown, method: "POST", path: `${packageOf}/revoke`, handle: failed },
  { ...shown, method: "POST", path: `${packageOf}/download`, isOpen: true, handle: download },
  { ...store, path: "/api/edge-packages/{id}/bundle", isOpen: true, handle: bundle }
]
