/**
 * Values in a JSON body, by JSON paths (RFC 9535) that lead to one place each: `$.checks[0]['state']`.
 *
 * Paths with wildcards, descendants and filters are refused: they can take for ever on an unlucky body. The library is
 * loaded by the first check that has a path.
 */
import { Effect, Predicate, Result, Stream } from "effect"
import type { JSONValue } from "json-p3"
import { isDeepStrictEqual } from "node:util"
import { InvalidTarget } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as JsonDepth from "../../../domain/monitoring/JsonDepth.ts"
import { StepFailed } from "../CheckSteps.ts"

/** The value at its place; none when the place is not there. */
interface Place {
  readonly path: string
  readonly expected: unknown
  readonly valuesIn: (document: JSONValue) => ReadonlyArray<unknown>
}

export type JsonMatch = ReadonlyArray<Place>

/** In characters: a body is kept whole while it is read as JSON. */
export const textMax = 1_024 * 1_024

const library = Effect.promise(() => import("json-p3"))

/** Of which two that differ may be read as the same. */
const isInexact = (value: unknown): boolean =>
  typeof value === "number"
    ? Number.isInteger(value) && !Number.isSafeInteger(value)
    : Predicate.isObjectOrArray(value) && Object.values(value).some(isInexact)

/** Fails for what is no path, or one that leads to many places, and for an expectation that cannot be compared. */
export const compile = Effect.fnUntraced(function*(
  expectations: Readonly<Record<string, unknown>>,
  target: string
): Effect.fn.Return<JsonMatch, InvalidTarget> {
  const entries = Object.entries(expectations)
  if (entries.length === 0) return []
  const { jsonpath } = yield* library
  const invalid = (path: string, problem: string) =>
    new InvalidTarget({
      serviceType: "http",
      target,
      expected: `JSON paths that lead to one place, such as $.checks[0].state (jsonPath ${
        JSON.stringify(path)
      }: ${problem})`
    })
  return yield* Effect.forEach(entries, ([path, expected]) =>
    Effect.gen(function*() {
      const query = yield* Effect.try({
        try: () => jsonpath.compile(path),
        catch: (error) => invalid(path, error instanceof Error ? error.message : String(error))
      })
      if (!query.singularQuery()) return yield* invalid(path, "it may lead to many")
      if (isInexact(expected)) return yield* invalid(path, "whole numbers beyond 2^53 cannot be told apart")
      return { path, expected, valuesIn: (document) => query.query(document).values() } satisfies Place
    }))
})

/** The whole body, or why it is not read. */
export const read = <E extends { readonly reason: string }>(
  body: Stream.Stream<string, E>
): Effect.Effect<string, StepFailed> =>
  body.pipe(
    Stream.mapError(({ reason }) => new StepFailed({ reason })),
    Stream.runFoldEffect(() => "", (text, part) => {
      const longer = text + part
      return longer.length > textMax
        ? Effect.fail(new StepFailed({ reason: `the body has more than ${textMax} characters, too many for jsonPath` }))
        : Effect.succeed(longer)
    })
  )

/** By V8 alone, which takes milliseconds for the longest body: what looks at each value by itself takes a hundred times as long. */
const parse = (text: string): Result.Result<JSONValue, unknown> => Result.try((): JSONValue => JSON.parse(text))

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing"
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}

/** What is not as expected; undefined when all is. */
export const complaint = (places: JsonMatch, body: string): string | undefined => {
  if (JsonDepth.isDeeperThan(body, JsonDepth.max)) return `the body is nested more than ${JsonDepth.max} deep`
  const document = parse(body)
  if (Result.isFailure(document)) return "the body is no JSON"
  const complaints = places.flatMap(({ expected, path, valuesIn }) => {
    const [found] = valuesIn(document.success)
    return isDeepStrictEqual(found, expected) ? [] : [`${path} is ${shown(found)}, expected ${shown(expected)}`]
  })
  return complaints.length === 0 ? undefined : complaints.join("; ")
}
