/** Who asks a question, by what a request shows: whose rows those are, and what policies know of them. */
import { Context, Effect, Layer } from "effect"
import { NotSignedIn, type OtherTenant, type Shown } from "../records/Askers.ts"
import type { RecordsRefused, RecordsUnavailable } from "../records/Records.ts"
import type { Question } from "./Queries.ts"

export interface QueryAsker {
  /** Null: of all tenants. */
  readonly tenant: Question["tenant"]
  readonly actor: Question["actor"]
  /** By which one asker is told from another. */
  readonly name: string
  /** Runs the machine, and may ask for what costs more than the limit. */
  readonly isOperator: boolean
}

/** Where there are no users, whoever may ask at all may see everything. */
const anybody: QueryAsker = { tenant: null, actor: undefined, name: "", isOperator: true }

export class QueryAskers extends Context.Service<QueryAskers, {
  /** Of somebody who shows a token of a user. */
  readonly of: (
    shown: Shown
  ) => Effect.Effect<QueryAsker, NotSignedIn | OtherTenant | RecordsUnavailable | RecordsRefused>
  /** Of somebody who shows none and may ask all the same: who is on this machine, or has its own token or a certificate. */
  readonly operator: QueryAsker
}>()("serviceradar/services/queries/QueryAskers") {
  /** Without users. */
  static readonly layerOperators = Layer.succeed(QueryAskers, {
    of: () => Effect.fail(new NotSignedIn()),
    operator: anybody
  })
}
