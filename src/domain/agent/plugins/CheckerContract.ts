/**
 * What a checker's module exports, and what it answers: a JavaScript file that answers types of services of its own.
 *
 *   export const contract = 1
 *   export const kind = "checker"
 *   export const serviceTypes = ["queue-depth"]
 *   export const timeoutMillis = 2000                // 5000, when it is left out
 *   export const stateVersion = 2                    // 1, when it is left out
 *   export const initial = () => ({ seen: 0 })       // null, when it is left out
 *   export const migrate = (state, fromVersion) => ({ seen: state.count })
 *   export const check = async ({ serviceName, details }, state) => ({ available: true, facts: { depth: 3 }, state })
 *
 * `facts` become the message, as they are but for `available`, `response_time` and `error`, which say what the answer says;
 * `error` says why something is not available.
 */
import { Schema } from "effect"
import { State, StateVersion } from "../../plugins/ModuleContract.ts"

export const version = 1

const timeoutMillisMax = 10_000
const typesMax = 16
const factsCharsMax = 1_048_576
const errorCharsMax = 10_000

/** What the exports are, as far as they can be told from outside of the module's thread. */
export const Manifest = Schema.Struct({
  contract: Schema.Literal(version),
  kind: Schema.Literal("checker"),
  serviceTypes: Schema.Array(Schema.NonEmptyString.check(Schema.isMaxLength(64))).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(typesMax)
  ),
  timeoutMillis: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: timeoutMillisMax }))
  ),
  stateVersion: StateVersion,
  functions: Schema.Struct({
    check: Schema.Literal(true),
    initial: Schema.Boolean,
    migrate: Schema.Boolean
  })
})
export type Manifest = typeof Manifest.Type

export const exports = {
  values: ["contract", "kind", "serviceTypes", "timeoutMillis", "stateVersion"],
  functions: ["check", "initial", "migrate"]
}

export interface Input {
  readonly agentId: string
  readonly serviceType: string
  readonly serviceName: string
  /** As the poller's file has them. */
  readonly details: string
  readonly port: number
}

const Facts = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter((facts) =>
    JSON.stringify(facts).length <= factsCharsMax || `facts of at most ${factsCharsMax} characters of JSON`
  )
)

export const Answer = Schema.Struct({
  available: Schema.Boolean,
  facts: Schema.optionalKey(Facts),
  error: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(errorCharsMax))),
  state: Schema.optionalKey(State)
})
export type Answer = typeof Answer.Type

/** What peers read in a message beside the answer itself, and would take for it. */
const ownWords = (available: boolean, elapsedNanos: bigint) => ({ available, response_time: Number(elapsedNanos) })

/** The facts, which do not contradict the answer: of what it says itself they say the same, or nothing. */
export const messageOf = (
  { available, error, facts = {} }: Pick<Answer, "available" | "error" | "facts">,
  elapsedNanos: bigint
): Record<string, unknown> => {
  const own = Object.entries(ownWords(available, elapsedNanos)).filter(([name]) => Object.hasOwn(facts, name))
  const { error: told, ...others } = facts
  const reason = error ?? (available ? undefined : told)
  return { ...others, ...Object.fromEntries(own), ...(reason === undefined ? {} : { error: reason }) }
}

const timeoutMillisDefault = 5_000

/** Of one call. */
export const timeoutMillisOf = ({ timeoutMillis }: Manifest): number => timeoutMillis ?? timeoutMillisDefault
