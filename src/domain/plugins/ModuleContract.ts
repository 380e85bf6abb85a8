/** What all plugins have in common, whatever they are asked: JavaScript files of an operator, whose state is kept for them. */
import { Option, Schema } from "effect"

/** Of the state, as JSON: it is copied with every call. */
export const stateCharsMax = 65_536

export const State = Schema.Json.check(
  Schema.makeFilter((state) =>
    JSON.stringify(state).length <= stateCharsMax || `a state of at most ${stateCharsMax} characters of JSON`
  )
)
export type State = typeof State.Type

/** 1, when it is left out. */
export const StateVersion = Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))

interface Stateful {
  readonly stateVersion?: number
  readonly functions: { readonly migrate: boolean }
}

export const stateVersionOf = ({ stateVersion }: Pick<Stateful, "stateVersion">): number => stateVersion ?? 1

/** How a module of another version gets the state that there is. */
export const handOver = (from: Stateful, to: Stateful): "keep" | "migrate" | "begin" => {
  if (stateVersionOf(from) === stateVersionOf(to)) return "keep"
  return to.functions.migrate ? "migrate" : "begin"
}

const names = /^[\w][\w.-]*\.m?js$/

/** The plugin's name, of the name of its file; none for what is no plugin. */
export const nameOf = (fileName: string): Option.Option<string> =>
  names.test(fileName) ? Option.some(fileName.replace(/\.m?js$/, "")) : Option.none()
