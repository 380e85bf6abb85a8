/** What is known of each stream's writing now, for readiness, the live view and whoever asks over HTTP. */
import { Context, type Effect } from "effect"
import type { StreamLag } from "../../domain/events/reporting/StreamLag.ts"
import type { StreamName } from "../../domain/events/stream/Streams.ts"

export interface StreamStatus {
  readonly stream: StreamName
  /** Since the start of this writer. */
  readonly received: number
  readonly stored: number
  readonly rowsInserted: number
  readonly rowsRepeated: number
  readonly deadLettered: number
  /** Deliveries given back to come again. */
  readonly retried: number
  /** Over the last seconds. */
  readonly messagesPerSecond: number
  readonly rowsPerSecond: number
  /** From being stored in the stream to being stored in the database, over the last minute; none without messages. */
  readonly latencyMillis: { readonly p50: number; readonly p99: number } | undefined
  /** None until the server has told it. */
  readonly lag: StreamLag | undefined
  /** Why this stream does not go on; empty while it does. */
  readonly problem: string
}

export class StreamStatuses extends Context.Service<StreamStatuses, {
  /** In the order of the streams' names. */
  readonly all: Effect.Effect<ReadonlyArray<StreamStatus>>
}>()("serviceradar/services/event-writer/StreamStatuses") {}
