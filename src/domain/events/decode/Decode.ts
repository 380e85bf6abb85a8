/** What decoding a message gives: its rows, and what of it cannot become any; or why there are none. */
import type { Result } from "effect"
import type { TableRows } from "../rows/Tables.ts"
import type { EventMessage } from "../stream/EventMessage.ts"
import type { StreamName } from "../stream/Streams.ts"
import type { DecodeError } from "./DecodeError.ts"

/** One element of a message that cannot be stored while others of it can. */
export interface RefusedPart {
  /** Its place among the message's elements. */
  readonly element: number
  readonly error: DecodeError
  /** The element as a message of its own. */
  readonly data: Uint8Array
}

export interface Decoded {
  readonly stream: StreamName
  readonly tenantId: string
  /** Left to the rule engine, which publishes it again: there are no rows, and that is no loss. */
  readonly isSuperseded: boolean
  readonly content: TableRows
  readonly refused: ReadonlyArray<RefusedPart>
  /** About how many bytes the rows are in a statement. */
  readonly weight: number
}

/** Synchronous, without state and without a throw; the same message gives the same rows at every delivery. */
export type Decode = (message: EventMessage) => Result.Result<Decoded, DecodeError>
