/**
 * What a pipeline tells while it works. Events come in pairs: for each `start` exactly one `stop` with the same stage
 * and id follows on every path, crash and interruption included.
 */
import type { BatchTrigger } from "./BatchAccumulation.ts"
import type { CrashReason } from "./Outcome.ts"

export interface Tally {
  readonly ok: number
  readonly failed: number
  readonly crashed: number
}

export type MessageResult = "routed" | "ok" | "failed" | CrashReason

export type PipelineEvent =
  | { readonly _tag: "processor.start"; readonly id: number; readonly processor: number; readonly size: number }
  | { readonly _tag: "processor.stop"; readonly id: number; readonly processor: number; readonly finished: boolean }
  | { readonly _tag: "message.start"; readonly id: number; readonly processor: number }
  | { readonly _tag: "message.stop"; readonly id: number; readonly processor: number; readonly result: MessageResult }
  | {
    readonly _tag: "batch.start"
    readonly id: number
    readonly batcher: string
    readonly key: string
    readonly size: number
    readonly trigger: BatchTrigger
  }
  | { readonly _tag: "batch.stop"; readonly id: number; readonly batcher: string; readonly tally: Tally }
  | { readonly _tag: "rejected.start"; readonly id: number; readonly size: number }
  | { readonly _tag: "rejected.stop"; readonly id: number; readonly contained: boolean }
  | { readonly _tag: "acknowledge.start"; readonly id: number; readonly size: number }
  | { readonly _tag: "acknowledge.stop"; readonly id: number; readonly contained: boolean }
  | { readonly _tag: "producer.start"; readonly id: number; readonly producer: number }
  | { readonly _tag: "producer.stop"; readonly id: number; readonly producer: number; readonly failed: boolean }
  | { readonly _tag: "stalled"; readonly inFlight: number; readonly silentMillis: number }
