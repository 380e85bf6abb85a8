/**
 * `serviceradar event-writer --compare`: what another writer and this one made of the same messages, held against each
 * other. Left is the writer that is trusted.
 *
 * Exit code 0 when all is equal, 1 when not, 2 when it could not be compared.
 */
import { Clock, Config, Console, Effect, Option, Redacted, Schema } from "effect"
import * as Flag from "effect/cli/Flag"
import * as ComparisonRules from "../../domain/events/comparing/ComparisonRules.ts"
import type { TableName } from "../../domain/events/rows/Tables.ts"
import { writtenNames } from "../../domain/events/storing/TablePolicy.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as Since from "../../layers/command/Since.ts"
import * as PgTableComparison from "../../layers/events/comparing/PgTableComparison.ts"
import * as ComparisonText from "../../layers/terminal/ComparisonText.ts"
import * as Screen from "../../layers/terminal/Screen.ts"
import * as Style from "../../layers/terminal/Style.ts"
import { isEqual, TableComparison, type TableDifference } from "../../services/events/TableComparison.ts"

/** What was asked cannot be compared. */
export class NothingToCompare extends Schema.TaggedError<NothingToCompare>()("NothingToCompare", {
  expectation: Schema.String
}) {
  override get message(): string {
    return this.expectation
  }
}

const isTableName = Schema.is(Schema.Literals(writtenNames))

const moment = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(Since.parse, (text) => `an age such as 2h or 7d, or a time, got ${JSON.stringify(text)}`),
    Flag.optional,
    Flag.withMetavar("AGE|TIME")
  )

const url = (name: string) => Flag.Redacted(name).pipe(Flag.optional, Flag.withMetavar("URL"))

const schema = (name: string) => Flag.String(name).pipe(Flag.optional, Flag.withMetavar("SCHEMA"))

/** For `serviceradar event-writer`. */
export const compareFlags = {
  compare: Flag.Boolean("compare").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Write nothing, but compare the rows of two writers, in two schemas")
  ),
  left: schema("left").pipe(Flag.withDescription("With --compare: the schema of the writer that is trusted")),
  right: schema("right").pipe(Flag.withDescription("With --compare: the schema to hold against it")),
  database: url("database").pipe(Flag.withDescription("With --compare: where they are; DATABASE_URL by default")),
  rightDatabase: url("right-database").pipe(
    Flag.withDescription("With --compare: where the right one is, if elsewhere")
  ),
  table: Flag.String("table").pipe(
    Flag.filterMap(
      Option.liftPredicate(isTableName),
      (text) => `one of ${writtenNames.join(", ")}, got ${JSON.stringify(text)}`
    ),
    Flag.atLeast(0),
    Flag.withMetavar("TABLE"),
    Flag.withDescription("With --compare: only this table; may be given several times")
  ),
  since: moment("since").pipe(Flag.withDescription("With --compare: only rows of this age or of this time and later")),
  until: moment("until").pipe(Flag.withDescription("With --compare: only rows that are older")),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("With --compare: print a JSON array"))
}

export interface CompareOptions {
  readonly left: Option.Option<string>
  readonly right: Option.Option<string>
  readonly database: Option.Option<Redacted.Redacted>
  readonly rightDatabase: Option.Option<Redacted.Redacted>
  readonly table: ReadonlyArray<TableName>
  readonly since: Option.Option<Since.Since>
  readonly until: Option.Option<Since.Since>
  readonly json: boolean
}

const sidesOf = Effect.fnUntraced(function*(options: CompareOptions) {
  const named = yield* Config.option(Config.Redacted("DATABASE_URL"))
  const database = Option.orElse(options.database, () => named)
  if (Option.isNone(database)) {
    return yield* new NothingToCompare({ expectation: "Which database? Give --database, or set DATABASE_URL" })
  }
  if (Option.isNone(options.left) || Option.isNone(options.right)) {
    return yield* new NothingToCompare({ expectation: "Which schemas? Give --left SCHEMA and --right SCHEMA" })
  }
  const rightDatabase = Option.getOrElse(options.rightDatabase, () => database.value)
  if (
    options.left.value === options.right.value && Redacted.value(rightDatabase) === Redacted.value(database.value)
  ) {
    return yield* new NothingToCompare({ expectation: "Left and right are the same schema" })
  }
  return {
    left: { url: database.value, schema: options.left.value },
    right: { url: rightDatabase, schema: options.right.value }
  }
})

/** Those asked for; without any, all of either side. One that a single side has is compared with nothing. */
const chosen = Effect.fnUntraced(function*(asked: ReadonlyArray<TableName>) {
  const { left, right } = yield* (yield* TableComparison).tables
  const empty = left.size === 0 ? "left" : right.size === 0 ? "right" : undefined
  if (empty !== undefined) {
    return yield* new NothingToCompare({ expectation: `The ${empty} schema has none of the tables` })
  }
  const nowhere = asked.filter((name) => !left.has(name) && !right.has(name))
  if (nowhere.length > 0) {
    return yield* new NothingToCompare({ expectation: nowhere.map((name) => `${name} is on neither side`).join("; ") })
  }
  const named = asked.length > 0 ? asked : writtenNames
  const found = writtenNames.filter((name) => named.includes(name) && (left.has(name) || right.has(name)))
  // Events in the form of each side are one comparison.
  return ComparisonRules.goSideOf(left, right) === undefined
    ? found
    : Array.from(new Set(found.map((name) => name === "ocsf_events" ? "events" as const : name)))
})

const drawIntervalMillis = 200

/** A line that counts on a terminal, nothing elsewhere. */
const progress = Effect.gen(function*() {
  if (!process.stderr.isTTY) return () => () => Effect.void
  const screen = yield* Screen.make(process.stderr)
  let drawnMillis = 0
  return (table: string) => (rows: number) =>
    Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (now - drawnMillis < drawIntervalMillis) return
      drawnMillis = now
      yield* screen.draw([`${table}: ${rows.toLocaleString("en-US")} rows compared`])
    })
})

const compareAll = Effect.fnUntraced(function*(options: CompareOptions) {
  const comparison = yield* TableComparison
  const now = yield* Clock.currentTimeMillis
  const millisOf = Option.map((since: Since.Since) => Since.toMillis(since, now))
  const range = {
    sinceMillis: Option.getOrUndefined(millisOf(options.since)),
    untilMillis: Option.getOrUndefined(millisOf(options.until))
  }
  const tables = yield* chosen(options.table)
  return yield* Effect.scoped(Effect.gen(function*() {
    const onProgress = yield* progress
    return yield* Effect.forEach(tables, (table) => comparison.compare(table, range, onProgress(table)))
  }))
})

const print = (options: CompareOptions, differences: ReadonlyArray<TableDifference>) =>
  Effect.suspend(() => {
    if (options.json) return Console.log(JSON.stringify(differences))
    const style = Style.forStream(process.stdout, process.env)
    const columns = process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY
    return Console.log(ComparisonText.draw(differences, { style, columns }).join("\n"))
  })

export const runCompare = Effect.fn("event-writer.compare")(function*(options: CompareOptions) {
  const sides = yield* sidesOf(options)
  const differences = yield* Effect.provide(compareAll(options), PgTableComparison.layer(sides))
  yield* print(options, differences)
  if (!differences.every(isEqual)) return yield* new NegativeAnswer({ answer: "The two differ" })
})
