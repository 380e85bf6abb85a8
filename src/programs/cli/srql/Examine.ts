/** What a query asks of the database, and whether every query of a file can be asked; needs no core. */
import { Clock, Console, Effect, FileSystem, Option, Result } from "effect"
import { coreCatalog } from "../../../domain/core/CoreCatalog.ts"
import type { SrqlError } from "../../../domain/srql/language/SrqlError.ts"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import { check } from "../../../services/srql/index.ts"

export const examine = (text: string, tenant: Option.Option<string>) =>
  Effect.map(
    Clock.currentTimeMillis,
    (nowMillis) => check(text, coreCatalog, { tenant: Option.getOrNull(tenant), nowMillis })
  )

/** The query with a mark below what was refused. */
export const marked = (text: string, { end, message, start }: SrqlError): string => {
  const line = text.replaceAll(/\s/g, " ")
  return `${line}\n${" ".repeat(start)}${"^".repeat(Math.max(1, end - start))}\n${message}`
}

export const explain = Effect.fnUntraced(function*(text: string, tenant: Option.Option<string>, asJson: boolean) {
  const answer = yield* examine(text, tenant)
  if (Result.isFailure(answer)) {
    yield* Console.log(asJson ? JSON.stringify({ error: answer.failure.peerText }) : marked(text, answer.failure))
    return yield* new NegativeAnswer({ answer: "the query is refused" })
  }
  const { binds, entity, shape, sql, warnings } = answer.success
  if (asJson) return yield* Console.log(JSON.stringify({ entity, sql, params: binds, shape: shape.kind, warnings }))
  yield* Console.log([
    sql,
    ...binds.map(({ t, v }, at) => `  $${at + 1} ${t} ${JSON.stringify(v)}`),
    ...warnings.map((warning) => `warning: ${warning}`)
  ].join("\n"))
})

export const checkFile = Effect.fnUntraced(function*(file: string, tenant: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  const lines = (yield* files.readFileString(file)).split("\n")
  let [asked, refused] = [0, 0]
  for (const [at, line] of lines.entries()) {
    const text = line.trim()
    if (text === "" || text.startsWith("#")) continue
    asked += 1
    const answer = yield* examine(text, tenant)
    const column = 1 + line.length - line.trimStart().length
    if (Result.isFailure(answer)) {
      refused += 1
      yield* Console.log(`${file}:${at + 1}:${column + answer.failure.start}: error: ${answer.failure.message}`)
    } else {
      for (const warning of answer.success.warnings) {
        yield* Console.log(`${file}:${at + 1}:${column}: warning: ${warning}`)
      }
    }
  }
  yield* Console.log(`${asked} queries, ${refused} refused`)
  if (refused > 0) return yield* new NegativeAnswer({ answer: `${refused} of ${asked} queries are refused` })
})
