/**
 * The one way to the records of a resource, for everything that can be done with them.
 *
 * A write goes in this order, in one transaction: the record is looked up in the tenant of whoever asks and locked, the
 * policies see it as it was, the input is read, the state is left for the next, values change, the rules and the policies
 * see the record as it would be; then it is written, with its audit entry and its event. A read answers the records that
 * its policies allow. A denial is audited as well.
 */
import { Context, type Effect, Schema } from "effect"
import type { Place, Sorting } from "../../domain/records/Order.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type {
  Changed,
  Conflict,
  Forbidden,
  Invalid,
  InvalidTransition,
  NotFound,
  Referenced
} from "../../domain/resource/ActionError.ts"
import type { Form } from "../../domain/resource/ActionInput.ts"
import type { Node, Values } from "../../domain/resource/expression/Node.ts"
import type { Definition } from "../../domain/resource/Resource.ts"

/** Who asks, as policies see it, and as an audit entry names it. */
export interface Asker {
  readonly actor: Values
  readonly id: string
  readonly name: string
  /** The same in the answer, the log and the audit entry. */
  readonly requestId: string
  /** Where the request came from, if it is known. */
  readonly address?: string
}

interface Asking {
  readonly definition: Definition
  /** One that the resource declares. */
  readonly action: string
  readonly asker: Asker
}

export interface Writing extends Asking {
  /** Of the record, as an address has it; none for one that is made. */
  readonly key?: string
  readonly input: { readonly values: Readonly<Record<string, unknown>>; readonly form: Form }
  /** Only while the record is of one of these versions. */
  readonly versions?: ReadonlyArray<string>
}

/** What was not let happen before it came to a record. Of what it was about the audit has the name. */
export interface Denying extends Omit<Asking, "definition"> {
  readonly definition: Pick<Definition, "name" | "tenant" | "bypass">
  readonly key?: string
  /** In a few words, for the audit alone. */
  readonly reason: string
}

export interface Finding extends Asking {
  readonly key: string
}

export interface Listing extends Asking {
  /** Of the records that may be seen. */
  readonly where?: Node
  readonly order: ReadonlyArray<Sorting>
  /** From 1. */
  readonly limit: number
  readonly offset?: number
  readonly place?: Place
  /** The records of all tenants, for whom the resource lets bypass its policies. */
  readonly isEverywhere?: boolean
  /** Whether to count all, on whatever page. */
  readonly isCounted?: boolean
}

export interface Page {
  readonly records: ReadonlyArray<Stored>
  /** Whether there are more in the direction of the page. */
  readonly hasMore: boolean
  readonly total?: number
}

/** The database cannot be reached or is busy; the same call may succeed later. */
export class RecordsUnavailable extends Schema.TaggedError<RecordsUnavailable>()("RecordsUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `the database does not answer: ${this.detail}`
  }
}

/** The database refuses the statement, which is a fault of this program or of the schema. */
export class RecordsRefused extends Schema.TaggedError<RecordsRefused>()("RecordsRefused", {
  resource: Schema.String,
  action: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.action} of ${this.resource} was refused by the database: ${this.detail}`
  }
}

type Failed = RecordsUnavailable | RecordsRefused

export type WriteError = Forbidden | NotFound | Invalid | Conflict | Referenced | InvalidTransition | Changed | Failed

export type ReadError = Forbidden | NotFound | Failed

export class Records extends Context.Service<Records, {
  /** The record as it is then; null when it is no more. */
  readonly write: (writing: Writing) => Effect.Effect<Stored | null, WriteError>
  /** Audits a denial that somebody else has decided; never fails, at worst it is logged. */
  readonly deny: (denying: Denying) => Effect.Effect<void>
  readonly find: (finding: Finding) => Effect.Effect<Stored, ReadError>
  readonly list: (listing: Listing) => Effect.Effect<Page, Exclude<ReadError, NotFound>>
}>()("serviceradar/services/records/Records") {}
