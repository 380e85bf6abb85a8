/** Packages for new pollers: core has none, and answers as the existing core does where they are switched off. */
import { Effect, Option, Schema } from "effect"
import { type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const answer = (body: unknown, status = 200): Handle => () => Effect.succeed(V1Answers.json(body, status))

const refuse = (status: number, words: string): Handle => () => Effect.fail(new Refused({ status, words }))

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
