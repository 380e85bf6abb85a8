/**
 * What the tabulator offers: words of the language, entities and fields by the catalog, and values that core has seen in the last
 * hour. Core is asked for those once a minute, and not waited for: whoever types on has the words alone.
 */
import { Clock, Effect, Exit, Option, Schema } from "effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as readline from "node:readline"
import { coreCatalog } from "../../../domain/core/CoreCatalog.ts"
import * as Completion from "../../../domain/srql/language/Completion.ts"
import * as QueryClient from "../../../layers/queries/QueryClient.ts"

const patience = "2 seconds"
const keptMillis = 60_000

const Answered = Schema.fromJsonString(Schema.Struct({
  results: Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
}))
const decode = Schema.decodeUnknownOption(Answered)

interface Known {
  readonly values: ReadonlyArray<string>
  readonly atMillis: number
}

export const make = Effect.fnUntraced(function*(
  base: string,
  tenant: Option.Option<string>
): Effect.fn.Return<readline.AsyncCompleter, never, HttpClient.HttpClient> {
  const fork = Effect.runForkWith(yield* Effect.context<HttpClient.HttpClient>())
  const known = new Map<string, Known>()

  /** None of what cannot be asked for. */
  const valuesOf = Effect.fnUntraced(function*({ key, question }: Completion.WantedValues) {
    const nowMillis = yield* Clock.currentTimeMillis
    const kept = known.get(question)
    if (kept !== undefined && nowMillis - kept.atMillis < keptMillis) return kept.values
    const body = yield* QueryClient.ask(base, {
      query: question,
      limit: Option.none(),
      cursor: Option.none(),
      costly: false,
      tenant
    }).pipe(Effect.timeoutOption(patience), Effect.catch(() => Effect.succeedNone))
    const values = Option.match(Option.flatMap(body, decode), {
      onNone: () => [],
      onSome: ({ results }) =>
        results.flatMap((row) => {
          const value = row[key]
          return typeof value === "string" || typeof value === "number" ? [String(value)] : []
        })
    })
    known.set(question, { values, atMillis: nowMillis })
    return values
  })

  const candidatesOf = Effect.fnUntraced(function*(line: string): Effect.fn.Return<
    Completion.Completion,
    never,
    HttpClient.HttpClient
  > {
    const words = Completion.complete(line, coreCatalog)
    const wanted = words.candidates.length > 0 ? undefined : Completion.valuesWanted(line, coreCatalog)
    return wanted === undefined ? words : Completion.ofValues(wanted, yield* valuesOf(wanted), line)
  })

  return (line, callback) => {
    fork(candidatesOf(line)).addObserver((exit) =>
      Exit.isSuccess(exit)
        ? callback(null, [[...exit.value.candidates], exit.value.replaced])
        : callback(null, [[], line])
    )
  }
})
