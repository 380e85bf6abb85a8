/**
 * `serviceradar-effect/pipeline`: supervised pipelines with at-least-once acknowledgement.
 *
 *   Producer  where messages come from      Batcher  where processors route them, in batches
 *   Pipeline  what runs them                Outcome  what becomes of each
 */
export type { Crashed, CrashReason, Failed, Outcomes, Rejected } from "../../domain/pipeline/Outcome.ts"
export type { PipelineEvent, Tally } from "../../domain/pipeline/PipelineEvent.ts"
export type { Batch, Route, Verdicts } from "./Batch.ts"
export { batcher } from "./Batcher.ts"
export type { Batcher, BatcherOptions } from "./Batcher.ts"
export { ProducerStalled } from "./internal/ProducerStage.ts"
export * as Pipeline from "./Pipeline.ts"
export { InvalidPipelineOptions } from "./PipelineOptions.ts"
export type { MessageContext, PipelineOptions } from "./PipelineOptions.ts"
export * as Producer from "./Producer.ts"
