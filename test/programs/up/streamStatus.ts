/** The state of a stream that has had nothing to do. */
import type { StreamStatus } from "../../../src/services/events/StreamStatus.ts"

export const streamStatus = (stream: StreamStatus["stream"], fields: Partial<StreamStatus> = {}): StreamStatus => ({
  stream,
  received: 0,
  stored: 0,
  rowsInserted: 0,
  rowsRepeated: 0,
  deadLettered: 0,
  retried: 0,
  messagesPerSecond: 0,
  rowsPerSecond: 0,
  latencyMillis: undefined,
  lag: undefined,
  problem: "",
  ...fields
})
