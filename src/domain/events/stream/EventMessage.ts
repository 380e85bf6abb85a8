/**
 * A message as it was fetched, and what its rows take from it besides its payload.
 *
 * `storedAtMicros` is when the stream stored it, not when it is read: it stands in for a missing time, and must be the
 * same when the message is delivered again.
 */
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
  /** The id of the message's row at `index`, the same at every delivery. */
  readonly id: (index: number) => string
}

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
