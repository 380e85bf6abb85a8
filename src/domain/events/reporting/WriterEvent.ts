/** What a writer tells while it works: the events of the existing writers, and those that they promised. */
import type { Failure } from "../stream/DeadLetter.ts"
import type { StreamName } from "../stream/Streams.ts"

export interface BatchProcessed {
  readonly _tag: "batch_processed"
  readonly stream: StreamName
  /** Tables written, comma-separated. */
  readonly processor: string
  readonly batchKey: string
  /** Messages stored. */
  readonly count: number
  readonly batchSize: number
  readonly durationMillis: number
}

export interface MessageFailed {
  readonly _tag: "message_failed"
  readonly stream: StreamName
  /** The step that refused it. */
  readonly processor: "decode" | "store" | "pipeline"
  readonly reason: Failure["reason"] | "retry"
  readonly error: string
  readonly count: number
}

export type WriterEvent = BatchProcessed | MessageFailed
