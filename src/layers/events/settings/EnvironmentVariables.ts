/**
 * Reads variables of the environment and tells everything that is wrong with them at once.
 *
 * An empty value is none, as composing tools set variables that nobody filled in. Values of secrets are never repeated.
 */
import { Config, Effect, Option, Schema } from "effect"

export const VariableProblem = Schema.Struct({
  variable: Schema.String,
  /** As given; `missing`, or nothing of it where it is a secret. */
  value: Schema.String,
  expectation: Schema.String
})
export type VariableProblem = typeof VariableProblem.Type

export class EnvironmentError extends Schema.TaggedError<EnvironmentError>()("EnvironmentError", {
  problems: Schema.Array(VariableProblem)
}) {
  override get message(): string {
    return this.problems.map(({ expectation, value, variable }) => `${variable} is ${value}, expected ${expectation}`)
      .join("\n")
  }
}

export interface Variable<out A> {
  readonly expectation: string
  /** None: the text is no such value. */
  readonly parse: (text: string) => Option.Option<A>
  readonly isSecret?: boolean
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "yes", "on"].map((word) => [word, true] as const),
  ...["false", "0", "no", "off"].map((word) => [word, false] as const)
])

export const boolean: Variable<boolean> = {
  expectation: "true, 1, yes or on; or false, 0, no or off",
  parse: (text) => Option.fromNullishOr(booleans.get(text.trim().toLowerCase()))
}

export const text: Variable<string> = { expectation: "a text", parse: Option.some }

/** What the schema accepts, in its own words. */
export const checked = (schema: Schema.Codec<string>, expectation: string): Variable<string> => ({
  expectation,
  parse: (value) => Option.liftPredicate(value.trim(), Schema.is(schema))
})

export const whole = (schema: Schema.Codec<number>, expectation: string): Variable<number> => ({
  expectation,
  parse: (value) =>
    /^\d+$/.test(value.trim()) ? Option.liftPredicate(Number(value.trim()), Schema.is(schema)) : Option.none()
})

export interface Reader {
  readonly read: <A>(name: string, variable: Variable<A>) => Effect.Effect<A | undefined, Config.ConfigError>
  /** Of several names of one thing the first that is set. */
  readonly readFirst: <A>(
    names: ReadonlyArray<string>,
    variable: Variable<A>
  ) => Effect.Effect<A | undefined, Config.ConfigError>
  readonly refuse: (problem: VariableProblem) => void
  /** All names that were asked for so far. */
  readonly known: Effect.Effect<ReadonlyArray<string>>
}

const shownLengthMax = 80

const show = (value: string): string =>
  JSON.stringify(value.length <= shownLengthMax ? value : `${value.slice(0, shownLengthMax)}…`)

/** Runs `use` to the end, then fails with all that was wrong, if anything was. */
export const collect = <A, E, R>(use: (reader: Reader) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const problems: Array<VariableProblem> = []
    const known = new Set<string>()

    const read = Effect.fnUntraced(function*<B>(name: string, variable: Variable<B>) {
      known.add(name)
      const given = Option.filter(yield* Config.option(Config.String(name)), (value) => value.trim() !== "")
      if (Option.isNone(given)) return undefined
      const value = variable.parse(given.value)
      if (Option.isSome(value)) return value.value
      const shown = variable.isSecret === true ? "<redacted>" : show(given.value)
      problems.push({ variable: name, value: shown, expectation: variable.expectation })
      return undefined
    })

    const readFirst = Effect.fnUntraced(function*<B>(names: ReadonlyArray<string>, variable: Variable<B>) {
      for (const name of names) known.add(name)
      for (const name of names) {
        const value = yield* read(name, variable)
        if (value !== undefined) return value
      }
      return undefined
    })

    const value = yield* use({
      read,
      readFirst,
      refuse: (problem) => problems.push(problem),
      known: Effect.sync(() => [...known])
    })
    return problems.length === 0 ? value : yield* new EnvironmentError({ problems })
  })
