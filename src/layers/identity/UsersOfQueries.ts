/**
 * Questions in the name of a user: bound to the tenant of whom the API token is, by its short name as tables of events have it, and
 * under the policies that hold for its role. A super user asks in every tenant, or in the
 * one that the request names.
 */
import { Effect, Layer } from "effect"
import { Tenant } from "../../domain/identity/Tenant.ts"
import { superSystem } from "../../domain/records/Actor.ts"
import * as TenantHeader from "../../domain/records/TenantHeader.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { QueryAskers } from "../../services/queries/QueryAskers.ts"
import { Askers, NotSignedIn, type Shown } from "../../services/records/Askers.ts"
import { Records } from "../../services/records/Records.ts"

/** Tenants keep their short name, so it is looked up once; of so many. */
const knownMax = 10_000

const make = Effect.gen(function*() {
  const askers = yield* Askers
  const records = yield* Records
  const known = new Map<string, string>()

  const slugOf = Effect.fnUntraced(function*(tenantId: string, requestId: string) {
    const kept = known.get(tenantId)
    if (kept !== undefined) return kept
    const tenant = yield* records.find({
      definition: Tenant.definition,
      action: "read",
      asker: Directory.asking(superSystem, requestId),
      key: tenantId
    })
    const slug = tenant.values["slug"]
    if (typeof slug !== "string" || slug === "") return yield* new NotSignedIn()
    if (known.size >= knownMax) known.clear()
    known.set(tenantId, slug)
    return slug
  })

  const of = Effect.fn("QueryAskers.of")(
    function*(shown: Shown) {
      const { actor, name } = yield* askers.of(shown)
      const isOperator = actor["isSuperUser"] === true
      const isEverywhere = isOperator && shown.headers[TenantHeader.header] === undefined
      const tenant = isEverywhere ? null : yield* slugOf(String(actor["tenantId"]), shown.requestId)
      return { tenant, actor, name, isOperator }
    },
    Effect.catchTags({
      Forbidden: () => Effect.fail(new NotSignedIn()),
      NotFound: () => Effect.fail(new NotSignedIn())
    })
  )

  return QueryAskers.of({ of, operator: { tenant: null, actor: superSystem, name: "", isOperator: true } })
})

export const layer: Layer.Layer<QueryAskers, never, Askers | Records> = Layer.effect(QueryAskers, make)
