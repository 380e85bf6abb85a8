/** How an event writer is, as it tells by HTTP and gRPC. */
import { Schema } from "effect"
import { streamNames } from "../stream/Streams.ts"

const Lag = Schema.Struct({
  /** Messages that no writer has fetched yet. */
  pending: Schema.Finite,
  /** Messages that a writer has and has not settled. */
  ackPending: Schema.Finite,
  /** When the oldest message that waits was stored in its stream; null when nothing waits. */
  oldestMillis: Schema.NullOr(Schema.Finite)
})

/** What one stream's writer did since it started. */
export const StreamReport = Schema.Struct({
  stream: Schema.Literals(streamNames),
  received: Schema.Finite,
  stored: Schema.Finite,
  rowsInserted: Schema.Finite,
  /** Rows that were there already. */
  rowsRepeated: Schema.Finite,
  deadLettered: Schema.Finite,
  /** Deliveries given back to come again. */
  retried: Schema.Finite,
  messagesPerSecond: Schema.Finite,
  rowsPerSecond: Schema.Finite,
  /** From being stored in the stream to being stored in the database, over the last minute. */
  latencyMillis: Schema.NullOr(Schema.Struct({ p50: Schema.Finite, p99: Schema.Finite })),
  /** Null until the server has told it. */
  lag: Schema.NullOr(Lag),
  /** Why this stream does not go on; empty while it does. */
  problem: Schema.String
})
export type StreamReport = typeof StreamReport.Type

const Peer = Schema.Struct({
  available: Schema.Boolean,
  /** Why not; empty while it is. */
  reason: Schema.String
})
export type Peer = typeof Peer.Type

export const WriterReport = Schema.Struct({
  /** As the Go writer has it: whether there are a NATS server and a database. */
  status: Schema.Literals(["operational", "unavailable"]),
  timestamp: Schema.String,
  nats: Peer,
  database: Peer,
  streams: Schema.Array(StreamReport)
})
export type WriterReport = typeof WriterReport.Type
