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
import { Option, Schema } from "effect"

export const version = 1

/** Of the state, as JSON: it is copied with every call. */
export const stateCharsMax = 65_536

/** What the exports are, as far as they can be told from outside of the module's thread. */
export const Manifest = Schema.Struct({
  contract: Schema.Literal(version),
  kind: Schema.Literals(["check", "results"]),
  serviceTypes: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  stateVersion: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
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

export const State = Schema.Json.check(
  Schema.makeFilter((state) =>
    JSON.stringify(state).length <= stateCharsMax || `a state of at most ${stateCharsMax} characters of JSON`
  )
)
export type State = typeof State.Type

export const Answer = Schema.Struct({
  available: Schema.optionalKey(Schema.Boolean),
  message: Schema.optionalKey(Schema.String),
  state: Schema.optionalKey(State)
})
export type Answer = typeof Answer.Type

export const stateVersionOf = ({ stateVersion }: Manifest): number => stateVersion ?? 1

export const isFor = ({ kind, serviceTypes }: Manifest, wanted: PluginKind, serviceType: string): boolean =>
  kind === wanted && (serviceTypes?.includes(serviceType) ?? true)

/** How a module of another version gets the state that there is. */
export const handOver = (from: Manifest, to: Manifest): "keep" | "migrate" | "begin" => {
  if (stateVersionOf(from) === stateVersionOf(to)) return "keep"
  return to.functions.migrate ? "migrate" : "begin"
}

const names = /^[\w][\w.-]*\.m?js$/

/** The plugin's name, of the name of its file; none for what is no plugin. */
export const nameOf = (fileName: string): Option.Option<string> =>
  names.test(fileName) ? Option.some(fileName.replace(/\.m?js$/, "")) : Option.none()
