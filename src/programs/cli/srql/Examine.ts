/** What a query asks of the database, and whether every query of a file can be asked; needs no core. */
import { Clock, Console, Effect, FileSystem, Option, Result, Schema } from "effect"
import { coreCatalog } from "../../../domain/core/CoreCatalog.ts"
import { superSystem } from "../../../domain/records/Actor.ts"
import type { SrqlError } from "../../../domain/srql/language/SrqlError.ts"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import { check } from "../../../services/srql/index.ts"

/** As an operator of the machine would be answered. */
export const examine = (text: string, tenant: Option.Option<string>) =>
  Effect.map(
    Clock.currentTimeMillis,
    (nowMillis) => check(text, coreCatalog, { tenant: Option.getOrNull(tenant), actor: superSystem, nowMillis })
  )

/** What of a long query is shown before and after the place of the error. */
const around = 40

/** The query with a mark below what was refused; of a long one what stands around it, so that the mark is below it. */
export const marked = (text: string, { end, message, start }: SrqlError): string => {
  const from = text.length <= 2 * around || start <= around ? 0 : start - around
  const upto = Math.max(from + 2 * around, Math.min(end, start + around))
  const [before, after] = [from > 0 ? "…" : "", upto < text.length ? "…" : ""]
  const line = `${before}${text.slice(from, upto).replaceAll(/\s/g, " ")}${after}`
  const mark = "^".repeat(Math.max(1, Math.min(end, upto) - start))
  return `${line}\n${" ".repeat(before.length + start - from)}${mark}\n${message}`
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

export class NoQueries
  extends Schema.TaggedError<NoQueries>()("NoQueries", { file: Schema.String, detail: Schema.String })
{
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}

export const checkFile = Effect.fnUntraced(function*(file: string, tenant: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    files.readFileString(file),
    ({ message, reason }) =>
      new NoQueries({ file, detail: reason._tag === "NotFound" ? "there is no such file" : message })
  )
  const lines = text.split("\n")
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
  yield* Console.log(`${asked} ${asked === 1 ? "query" : "queries"}, ${refused} refused`)
  if (refused > 0) return yield* new NegativeAnswer({ answer: `${refused} of ${asked} queries are refused` })
})
