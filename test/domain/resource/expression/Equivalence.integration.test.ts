import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { evaluate } from "../../../../src/domain/resource/expression/Evaluate.ts"
import type { Answer, Kind } from "../../../../src/domain/resource/expression/Kind.ts"
import type { Node, Values } from "../../../../src/domain/resource/expression/Node.ts"
import { simplify } from "../../../../src/domain/resource/expression/Simplify.ts"
import { write } from "../../../../src/domain/resource/expression/Statement.ts"
import { identifier, list, render, type Sql, sql } from "../../../../src/domain/sql/Sql.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"
import { generator } from "../../srql/language/queries.ts"
import { Expressions, kinds, names, now, valuesOf } from "./expressions.ts"

const rowCount = 50
const statements = 60
const perStatement = 20

const columnTypes: Readonly<Record<Kind, string>> = {
  text: "text",
  integer: "int8",
  float: "float8",
  boolean: "bool",
  instant: "timestamptz(3)",
  uuid: "uuid",
  text_list: "text[]"
}

const columns: Readonly<Record<string, Sql>> = {
  title: identifier("title"),
  note: identifier("note"),
  count: identifier("count"),
  size: identifier("size"),
  share: identifier("share"),
  load: identifier("load"),
  open: identifier("open"),
  done: identifier("done"),
  seen: identifier("seen"),
  due: identifier("due"),
  id: identifier("id"),
  owner: identifier("owner"),
  tags: identifier("tags"),
  groups: identifier("groups")
}

const columnOf = (name: string): Sql => {
  const column = columns[name]
  if (column === undefined) throw new Error(`no column ${name}`)
  return column
}

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const literal = (values: Values, name: string, kind: Kind): Sql =>
  write({ _tag: "Reference", source: "actor", name, kind }, { actor: values, arguments: {}, now, column: columnOf })

const fill = Effect.fnUntraced(function*(rows: ReadonlyArray<Values>) {
  const client = yield* PgClient.PgClient
  const all = kinds.flatMap((kind) => names[kind].map((name) => ({ kind, name })))
  yield* client.unsafe(
    `create table things (at int4, ${all.map(({ kind, name }) => `"${name}" ${columnTypes[kind]}`).join(", ")})`
  )
  for (const [at, row] of rows.entries()) {
    const { binds, text } = render(list(all.map(({ kind, name }) => literal(row, name, kind))))
    yield* client.unsafe(
      `insert into things (at, ${all.map(({ name }) => `"${name}"`).join(", ")}) values (${at}, ${text})`,
      binds.map(({ v }) => v)
    )
  }
})

/** As a text that both sides write alike. */
const shown = (node: Node, expression: Sql): Sql => {
  switch (node.kind) {
    case "instant":
      return sql`(extract(epoch from ${expression}) * 1000)::int8::text`
    case "text_list":
      return sql`to_json(${expression})::text`
    case "boolean":
      return sql`(${expression})::text`
    case "integer":
    case "float":
      return sql`(${expression})::float8::text`
    default:
      return sql`(${expression})::text`
  }
}

const expected = ({ kind }: Node, answer: Answer): unknown => {
  if (answer === null) return null
  if (DateTime.isDateTime(answer)) return answer.epochMilliseconds
  // Zero has one sign here: the driver sends the other as this one, and both are equal.
  if (kind === "integer" || kind === "float") return Number(answer) + 0
  return kind === "text_list" ? answer : String(answer)
}

const read = ({ kind }: Node, text: string | null): unknown => {
  if (text === null) return null
  if (kind === "text_list") return JSON.parse(text)
  return kind === "instant" || kind === "integer" || kind === "float" ? Number(text) + 0 : text
}

const Row = Schema.Struct({ answers: Schema.Array(Schema.NullOr(Schema.String)) })

layer(client, { excludeTestServices: true })("An expression", (it) => {
  it.effect("answers the same in memory and in PostgreSQL, for 60,000 random expressions and rows", () =>
    Effect.gen(function*() {
      const client = yield* PgClient.PgClient
      const random = generator(20_261_129)
      const rows = Array.from({ length: rowCount }, () => valuesOf(random))
      yield* fill(rows)
      const expressions = new Expressions(random)
      let known = 0

      for (let at = 0; at < statements; at += 1) {
        const surroundings = { actor: valuesOf(random), arguments: valuesOf(random), now }
        // Whole ones too, or what needs no record would never come to the database.
        const form = at % 2 === 0 ? simplify : (node: Node) => node
        const nodes = Array.from({ length: perStatement }, () => expressions.any(4).node)
        const { binds, text } = render(
          sql`select array[${
            list(
              nodes.map((node) => shown(node, write(form(node, surroundings), { ...surroundings, column: columnOf })))
            )
          }] as answers from things order by at`
        )
        const answers = yield* client.unsafe(text, binds.map(({ v }) => v)).pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(Schema.Array(Row)))
        )

        for (const [row, record] of rows.entries()) {
          for (const [index, node] of nodes.entries()) {
            const inMemory = evaluate(node, { ...surroundings, record })
            const inDatabase = answers[row]?.answers[index] ?? null
            if (inMemory !== null) known += 1
            assert.deepStrictEqual(
              read(node, inDatabase),
              expected(node, inMemory),
              JSON.stringify({ node, record, ...surroundings })
            )
          }
        }
      }
      assert.isAbove(known, statements * perStatement * rowCount / 4)
    }))
})
