/** The model of a store and PostgreSQL answer the same to the same transactions. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import type { Seeded } from "../../../../src/domain/simulation/Seeded.ts"
import { StoreModel, type Write } from "../../../../src/services/simulation/StoreModel.ts"
import { session } from "../../../support/databaseSession.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"
import * as Histories from "./Histories.ts"

const tables = ["one", "two"] as const
const codes: Readonly<Record<string, string>> = { "23505": "unique_violation", "23514": "check_violation" }

const stateOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : String(cause)

const writeOf = (random: Seeded): Write<number> => ({
  table: random.chance(0.5) ? "one" : "two",
  key: `k${random.between(0, 6)}`,
  row: random.chance(0.08) ? -1 : random.between(0, 9),
  onConflict: Histories.pick(random, [[4, "nothing"], [3, "replace"], [1, "fail"]])
})

const historyOf = (seed: number) =>
  Histories.draw(Histories.randomOf("store", seed), 5, 15, (random) => Histories.draw(random, 1, 5, writeOf))

const modelled = (history: ReturnType<typeof historyOf>): ReadonlyArray<string> => {
  const model = new StoreModel<number>()
  for (const table of tables) model.rule(table, (n) => n >= 0)
  return history.map((writes) => {
    const answer = Result.match(model.transact(writes), {
      onSuccess: ({ inserted, repeated }) => `${inserted} inserted, ${repeated} repeated`,
      onFailure: ({ code, position, table }) => `${code} of ${table} at ${position}`
    })
    const rows = tables.map((table) => [...model.rows(table)].map(([key, n]) => `${key}=${n}`).toSorted().join(" "))
    return `${answer}; ${rows.join("; ")}`
  })
}

const setup = Effect.flatMap(TestDatabase, ({ url }) => session(url)).pipe(
  Effect.tap((sql) =>
    Effect.forEach(
      tables,
      (table) => sql`create table if not exists ${sql(table)} (key text primary key, n integer not null check (n >= 0))`
    )
  )
)

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("A store", (it) => {
  it.effect(
    "is modelled as PostgreSQL answers",
    () =>
      Effect.gen(function*() {
        const sql = yield* setup
        const conflict = {
          nothing: sql`on conflict do nothing`,
          replace: sql`on conflict (key) do update set n = excluded.n`,
          fail: sql``
        }
        const transact = Effect.fnUntraced(function*(writes: ReadonlyArray<Write<number>>) {
          let position = 0
          let inserted = 0
          const all = Effect.forEach(writes, ({ key, onConflict, row, table }) =>
            Effect.map(
              sql<{ fresh: boolean }>`insert into ${sql(table)} (key, n) values (${key}, ${row})
                ${conflict[onConflict]} returning xmax = 0 as fresh`,
              (rows) => {
                position += 1
                if (rows[0]?.fresh === true) inserted += 1
              }
            ), { discard: true })
          const failure = yield* Effect.match(sql.withTransaction(all), {
            onSuccess: () => Option.none(),
            onFailure: (error) => Option.some(error)
          })
          return Option.match(failure, {
            onNone: () => `${inserted} inserted, ${writes.length - inserted} repeated`,
            onSome: (error) => {
              const code = stateOf(error.reason.cause)
              return `${codes[code] ?? code} of ${writes[position]?.table} at ${position}`
            }
          })
        })
        for (const seed of Histories.seeds) {
          yield* sql`truncate one, two`
          const history = historyOf(seed)
          const answers: Array<string> = []
          for (const writes of history) {
            const answer = yield* transact(writes)
            const rows = yield* Effect.forEach(
              tables,
              (table) => sql<{ key: string; n: number }>`select key, n from ${sql(table)}`
            )
            const texts = rows.map((all) => all.map(({ key, n }) => `${key}=${n}`).toSorted().join(" "))
            answers.push(`${answer}; ${texts.join("; ")}`)
          }

          assert.deepStrictEqual(modelled(history), answers, `seed ${seed}`)
        }
      }),
    Histories.timeoutMillis
  )
})
