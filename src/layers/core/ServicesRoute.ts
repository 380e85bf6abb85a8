/**
 * `GET /api/services`: the current state of every service, with filters.
 *
 * A parameter that is unknown or has an impossible value is refused rather than ignored: a misspelled filter would
 * otherwise show everything.
 */
import { Effect, Option, Result, Schema, SchemaGetter } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { type ServiceFilter, ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import { StatusStore } from "../../services/core/StatusStore.ts"
import type { Route } from "../http/Management.ts"

const limitDefault = 1_000
const limitMax = 10_000

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256), Schema.isPattern(/^[^\0]*$/))
const Available = Schema.Literals(["true", "false"]).pipe(
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transform((text: "true" | "false") => text === "true"),
    encode: SchemaGetter.transform((value: boolean) => value ? "true" : "false")
  })
)
const Limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: limitMax }))

const Filter = Schema.Struct({
  agent: Schema.optionalKey(Name),
  poller: Schema.optionalKey(Name),
  type: Schema.optionalKey(Name),
  name: Schema.optionalKey(Name),
  partition: Schema.optionalKey(Name),
  available: Schema.optionalKey(Available),
  limit: Schema.optionalKey(Limit)
})

const expectations: ReadonlyMap<string, string> = new Map([
  ["agent", "an agent id of 1 to 256 characters"],
  ["poller", "a poller id of 1 to 256 characters"],
  ["type", "a service type of 1 to 256 characters"],
  ["name", "a service name of 1 to 256 characters"],
  ["partition", "a partition of 1 to 256 characters"],
  ["available", "true or false"],
  ["limit", `a whole number from 1 to ${limitMax}`]
])

export interface Problem {
  readonly parameter: string
  readonly value: string
  readonly expectation: string
}

const decodeFilter = Schema.decodeUnknownOption(Filter)

const problemOf = (query: URLSearchParams) => (parameter: string): ReadonlyArray<Problem> => {
  const values = query.getAll(parameter)
  const value = values.join(", ")
  const expectation = expectations.get(parameter)
  if (expectation === undefined) {
    return [{ parameter, value, expectation: `one of the parameters ${[...expectations.keys()].join(", ")}` }]
  }
  if (values.length > 1) return [{ parameter, value, expectation: `a single value: ${expectation}` }]
  return Option.isSome(decodeFilter({ [parameter]: value })) ? [] : [{ parameter, value, expectation }]
}

/** The filter, or all that is wrong with the query. */
export const parse = (query: URLSearchParams): Result.Result<ServiceFilter, ReadonlyArray<Problem>> => {
  const problems = [...new Set(query.keys())].flatMap(problemOf(query))
  const filter = decodeFilter(Object.fromEntries(query))
  return problems.length > 0 || Option.isNone(filter)
    ? Result.fail(problems)
    : Result.succeed({ limit: limitDefault, ...filter.value })
}

const encode = Schema.encodeEffect(Schema.Array(ServiceState))

export const servicesRoute: Route<StatusStore> = {
  path: "/api/services",
  summary: "The current state of every service",
  parameters: expectations,
  answers: Schema.Struct({ services: Schema.Array(ServiceState) }),
  handle: Effect.fn("ServicesRoute")(function*(query) {
    const parsed = parse(query)
    if (Result.isFailure(parsed)) return HttpServerResponse.jsonUnsafe({ errors: parsed.failure }, { status: 400 })
    const store = yield* StatusStore
    return yield* store.current(parsed.success).pipe(
      Effect.flatMap((states) => Effect.orDie(encode(states))),
      Effect.map((services) => HttpServerResponse.jsonUnsafe({ services })),
      Effect.catchTag(
        "StatusStoreError",
        (error) =>
          Effect.succeed(HttpServerResponse.jsonUnsafe({ error: error.message }, {
            status: error.reason._tag === "StoreUnavailable" ? 503 : 500
          }))
      )
    )
  })
}
