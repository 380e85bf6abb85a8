/** One version of a plugin that is loaded and keeps the contract, wherever it runs. */
import type { Effect } from "effect"
import type { State } from "../../../domain/plugins/ModuleContract.ts"
import type * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"
import type { PluginFault } from "../../plugins/PluginFault.ts"

export interface PluginModule {
  /** Of the file's content. */
  readonly version: string
  readonly manifest: PluginContract.Manifest
  /** Each call ends in time, one way or the other. */
  readonly initial: Effect.Effect<State, PluginFault>
  readonly migrate: (
    state: State,
    fromVersion: number
  ) => Effect.Effect<State, PluginFault>
  readonly process: (
    input: PluginContract.Input,
    state: State
  ) => Effect.Effect<PluginContract.Answer, PluginFault>
  /** It is not called any more. */
  readonly close: Effect.Effect<void>
}
