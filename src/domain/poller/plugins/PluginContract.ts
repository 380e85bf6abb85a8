/**
 * What a plugin's module exports, and what it answers: a JavaScript file that changes what an agent answered before it is
 * reported. What an agent did not answer is never given to a plugin.
 *
 *   export const contract = 1
 *   export const kind = "check"                      // or "results": what a sweep or an inventory brought
 *   export const serviceTypes = ["icmp"]             // all, when it is left out
 *   export const stateVersion = 2                    // 1, when it is left out
 *   export const initial = () => ({ seen: 0 })       // null, when it is left out
 *   export const migrate = (state, fromVersion) => ({ seen: state.count })
 *   export const process = (input, state) => ({ available, message, state })
 *
 * Of an answer each key may be left out: what it names stays as it was.
 */
import { Schema } from "effect"
import { State, StateVersion } from "../../plugins/ModuleContract.ts"

export const version = 1

/** What the exports are, as far as they can be told from outside of the module's thread. */
export const Manifest = Schema.Struct({
  contract: Schema.Literal(version),
  kind: Schema.Literals(["check", "results"]),
  serviceTypes: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  stateVersion: StateVersion,
  functions: Schema.Struct({
    process: Schema.Literal(true),
    initial: Schema.Boolean,
    migrate: Schema.Boolean
  })
})
export type Manifest = typeof Manifest.Type

export type PluginKind = Manifest["kind"]

/** What is known of one answer of an agent. */
export interface Input {
  readonly agentId: string
  readonly serviceType: string
  readonly serviceName: string
  readonly available: boolean
  /** As the agent wrote it; mostly JSON. */
  readonly message: string
  readonly responseTimeMillis: number
}

export const Answer = Schema.Struct({
  available: Schema.optionalKey(Schema.Boolean),
  message: Schema.optionalKey(Schema.String),
  state: Schema.optionalKey(State)
})
export type Answer = typeof Answer.Type

export const isFor = ({ kind, serviceTypes }: Manifest, wanted: PluginKind, serviceType: string): boolean =>
  kind === wanted && (serviceTypes?.includes(serviceType) ?? true)
