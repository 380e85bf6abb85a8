/** What a write within a partition refers to: only what is seen there, whatever else the tenant has. */
import { Effect } from "effect"
import { related, type Resources } from "../../domain/jsonapi/Includes.ts"
import { routesOf } from "../../domain/jsonapi/Wire.ts"
import { Invalid } from "../../domain/resource/ActionError.ts"
import { partitionName } from "../../domain/resource/Policies.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { type Asker, Records } from "../../services/records/Records.ts"

interface Referring {
  readonly definition: Definition
  readonly action: string
  readonly asker: Asker
  readonly resources: Resources
  readonly values: Readonly<Record<string, unknown>>
}

/** Fails as for what is not there. A reference within the tenant is the database's business. */
export const seen = Effect.fn("References.seen")(
  function*({ action, asker, definition, resources, values }: Referring) {
    if ((asker.actor[partitionName] ?? null) === null) return
    const { find } = yield* Records
    for (const { relationship: { by, kind }, target } of related(definition, resources)) {
      const key = values[by]
      const read = routesOf(target).read?.name
      if (kind !== "belongs_to" || typeof key !== "string" || read === undefined) continue
      const detail = "refers to nothing that is there"
      yield* find({ definition: target.definition, action: read, asker, key }).pipe(
        Effect.catchTag(["NotFound", "Forbidden"], () =>
          Effect.fail(
            new Invalid({ resource: definition.name, action, problems: [{ field: by, code: "invalid", detail }] })
          ))
      )
    }
  }
)
