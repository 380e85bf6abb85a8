/** The span that a request is about, or what is wrong with it in the words of its route. */
import { Effect, Result } from "effect"
import * as Parameters from "../../domain/v1/Parameters.ts"
import { type Call, Refused } from "./Route.ts"

type Words = (problem: Parameters.NoTime) => string

export const of = ({ now, query }: Call, words: Words): Effect.Effect<Parameters.Times, Refused> => {
  const times = Parameters.times(query, now)
  return Result.isSuccess(times)
    ? Effect.succeed(times.success)
    : Effect.fail(new Refused({ status: 400, words: words(times.failure) }))
}

/** As routes say it that answer errors as JSON. */
export const plain: Words = ({ parameter, text }) =>
  `invalid ${parameter} time format: ${JSON.stringify(text.slice(0, 64))} is no time such as 2026-01-31T00:00:00Z`

export const short: Words = ({ parameter }) => `Invalid ${parameter} time format`
