/**
 * What became of devices' identities. Here they are resolved as devices are seen, so nothing waits to be promoted, and there is no
 * policy to set; merges are those of the inventory.
 */
import { Effect } from "effect"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import { toJson } from "../../domain/records/Record.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../domain/resource/Names.ts"
import { publicField } from "../../domain/resource/PublicFields.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import { Records } from "../../services/records/Records.ts"
import { type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const limits = { usual: 100, most: 500 }
const offsets = { usual: 0, most: 100_000 }

const sightings: Handle = ({ query }) =>
  Effect.succeed(V1Answers.json({
    items: [],
    total: 0,
    limit: Parameters.number(query.get("limit"), limits),
    offset: Parameters.number(query.get("offset"), offsets, 0)
  }))

const none: Handle = () => Effect.succeed(V1Answers.json({ items: [] }))

const names = namesOf("record", MergeAudit.attributes)

const shownAs = {
  event_id: "eventId",
  from_device_id: "fromDeviceId",
  to_device_id: "toDeviceId",
  reason: "reason",
  confidence_score: "confidenceScore",
  source: "source",
  created_at: "createdAt"
}

const merges: Handle = Effect.fnUntraced(function*({ asker, query }) {
  const { definition } = MergeAudit
  const device = query.get("device_id") ?? ""
  const created = publicField(definition, "createdAt")
  const { records } = yield* Records.use((all) =>
    all.list({
      definition,
      action: "read",
      asker,
      order: created === undefined ? [] : [{ of: created, isDescending: true }],
      limit: Parameters.number(query.get("limit"), limits),
      offset: Parameters.number(query.get("offset"), offsets, 0),
      ...(device === ""
        ? {}
        : { where: E.or(E.equals(names.fromDeviceId, device), E.equals(names.toDeviceId, device)).node })
    })
  )
  return V1Answers.json({
    items: records.map(({ values }) =>
      Object.fromEntries(Object.entries(shownAs).map(([name, of]) => [name, toJson(values[of] ?? null)]))
    )
  })
})

const reconciled: Handle = () => Effect.succeed(V1Answers.json({ status: "reconciliation triggered" }, 202))

const refuse = (status: number, words: string): Handle => () => Effect.fail(new Refused({ status, words }))

/** As there where it is switched off. */
const disabled = refuse(400, "identity reconciliation disabled")

const config: Handle = () => Effect.succeed(V1Answers.json({ identity: { enabled: false }, revision: 0 }))

const setConfig: Handle = ({ body }) =>
  Effect.fail(
    /"identity"\s*:\s*\{/.test(body)
      ? new Refused({ status: 502, words: "KV client not available" })
      : new Refused({ status: 400, words: "identity payload is required" })
  )

const shown = { method: "GET", role: "viewer", style: "json" } as const
const changed = { ...shown, method: "POST", role: "operator" } as const

export const identityRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/identity/sightings", handle: sightings },
  { ...shown, path: "/api/identity/sightings/{id}/events", handle: none },
  { ...changed, path: "/api/identity/sightings/{id}/promote", handle: disabled },
  { ...changed, path: "/api/identity/sightings/{id}/dismiss", handle: disabled },
  { ...shown, path: "/api/identity/policies", handle: none },
  { ...shown, path: "/api/identity/merge-audit", handle: merges },
  { ...changed, path: "/api/identity/reconcile", handle: reconciled },
  { ...shown, path: "/api/identity/config", handle: config },
  { ...shown, method: "PUT", path: "/api/identity/config", role: "admin", handle: setConfig }
]
