/**
 * A message as it was fetched, and what its rows take from it besides its payload.
 *
 * `storedAtMicros` is when the stream stored it, not when it is read: it stands in for a missing time, and must be the
 * same when the message is delivered again.
 */
import type { TableForm } from "../storing/TableForm.ts"

export interface EventMessage {
  readonly subject: string
  readonly data: Uint8Array
  /** By lower-case name; the first value where a header came several times. */
  readonly headers: ReadonlyMap<string, string>
  /** The JetStream stream's name and the message's sequence in it. */
  readonly stream: string
  readonly sequence: number
  readonly storedAtMicros: number
}

export interface RowContext {
  readonly tenantId: string
  /** Without the tenant's prefix. */
  readonly subject: string
  readonly storedAtMicros: number
  /**
   * The id of the message's row at `index`, the same at every delivery. Given the row's time, where the record has one of
   * its own, it is also the same when the producer sends the message again; so it is for an `event` of the same name.
   */
  readonly id: (index: number, timeMicros?: number, event?: string) => string
  /** In whose tables the rows go; see `TableForm`. */
  readonly form?: TableForm | undefined
}

/** What stands for the name of a service that nobody sent: the Go writer's key has it empty. */
export const unnamed = ({ form }: RowContext): string => form === "go-1.0.76" ? "" : "unknown"

/**
 * More rows of one message are refused: they are decoded in one go, and written by one statement of limited time. Ids
 * have room for 2^20.
 */
export const rowsPerMessageMax = 2 ** 17

/**
 * More objects (JSON) or nested messages (protobuf) in one payload are refused. An empty one takes two bytes there and
 * hundreds in memory, so that 8 MiB could stand for gigabytes; in OTLP they take 15 to 30 each.
 */
export const objectsPerMessageMax = 2 ** 19
