/** One version of a plugin that is loaded and keeps the contract, wherever it runs. */
import { type Effect, Schema } from "effect"
import type * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"

/** A call that did not come to an answer of the contract's shape. */
export class PluginFault extends Schema.TaggedError<PluginFault>()("PluginFault", {
  plugin: Schema.String,
  /** Which export was called. */
  call: Schema.String,
  reason: Schema.Literals(["threw", "timed out", "wrong shape", "ended"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `plugin ${this.plugin}: ${this.call}: ${this.reason}: ${this.detail}`
  }
}

export interface PluginModule {
  /** Of the file's content. */
  readonly version: string
  readonly manifest: PluginContract.Manifest
  /** Each call ends in time, one way or the other. */
  readonly initial: Effect.Effect<PluginContract.State, PluginFault>
  readonly migrate: (
    state: PluginContract.State,
    fromVersion: number
  ) => Effect.Effect<PluginContract.State, PluginFault>
  readonly process: (
    input: PluginContract.Input,
    state: PluginContract.State
  ) => Effect.Effect<PluginContract.Answer, PluginFault>
  /** It is not called any more. */
  readonly close: Effect.Effect<void>
}
