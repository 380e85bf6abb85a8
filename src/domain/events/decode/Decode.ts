/** What decoding a message gives: all of its rows, or why there are none. */
import type { Result } from "effect"
import type { TableRows } from "../rows/Tables.ts"
import type { EventMessage } from "../stream/EventMessage.ts"
import type { StreamName } from "../stream/Subject.ts"
import type { DecodeError } from "./DecodeError.ts"

export interface Decoded {
  readonly stream: StreamName
  readonly tenantId: string
  /** Left to the rule engine, which publishes it again: there are no rows, and that is no loss. */
  readonly isSuperseded: boolean
  readonly content: TableRows
  /** About how many bytes the rows are in a statement. */
  readonly weight: number
}

/** Synchronous, without state and without a throw; the same message gives the same rows at every delivery. */
export type Decode = (message: EventMessage) => Result.Result<Decoded, DecodeError>
