/**
 * Removes records for good that nobody has a use for: by the program's own session, of all tenants, with no audit entry for each. A
 * slice at a time, so that no statement holds others up.
 */
import { DateTime, Effect } from "effect"
import * as Statements from "../../domain/records/Statements.ts"
import type { Node } from "../../domain/resource/expression/Node.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import { failure, run, Total } from "./RecordTransactions.ts"

const sliceDefault = 1000

export interface Removal {
  readonly definition: Definition
  /** Over the record alone. */
  readonly where: Node
}

/** How many there were. */
export const remove = Effect.fn("RecordRemoval.remove")(
  function*({ definition, where }: Removal, slice: number = sliceDefault) {
    const sql = yield* PgConnection.use(({ client }) => client)
    const surroundings = { actor: {}, arguments: {}, now: yield* DateTime.now }
    const statement = run(sql, Total, Statements.remove(definition, where, surroundings, slice)).pipe(
      Effect.mapError(failure({ definition, action: "remove" }))
    )
    let all = 0
    let some = slice
    while (some === slice) {
      const [counted] = yield* statement
      some = counted?.total ?? 0
      all += some
    }
    return all
  }
)
