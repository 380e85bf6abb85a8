import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlFailure from "../../../src/layers/postgres/connection/SqlFailure.ts"
import { type Judged, judgePlan } from "../../domain/queries/judge.ts"
import { question, worked } from "../../domain/queries/questions.ts"
import { damaged, generator } from "../../domain/srql/language/queries.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { fill, makeRollups, makeSettings, stored } from "./tables.ts"

const texts = Number(process.env["SRQL_FUZZ_TEXTS"] ?? 200_000)
const seed = Number(process.env["SRQL_FUZZ_SEED"] ?? 1)

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

/** Damaged copies of what people ask, and of what they might ask. */
const damagedOnes = function*(): Generator<string> {
  const random = generator(seed)
  const asked = [...worked, ...Array.from({ length: 500 }, () => question(random))]
  for (let count = 0; count < texts; count++) yield damaged(random, asked)
}

layer(client, { excludeTestServices: true, timeout: "60 seconds" })("Questions", (it) => {
  it.effect(
    `are answered or refused with a place, ${texts} times from seed ${seed}, and what is planned PostgreSQL runs`,
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        const random = generator(seed)
        for (const entity of stored) yield* fill(entity, random, 20)
        yield* makeSettings
        yield* makeRollups
        /** The last one of each statement: its values are not what makes the statement. */
        const planned = new Map<string, { readonly text: string; readonly judged: Judged }>()
        let answered = 0
        for (const text of damagedOnes()) {
          const judged = judgePlan(text)
          if (!judged.isPlanned) continue
          answered += 1
          planned.set(judged.statement, { text, judged })
        }
        assert.isTrue(answered > texts / 50 && answered < texts, `${answered} of ${texts} were planned`)
        for (const { judged: { binds, statement }, text } of planned.values()) {
          const ran = yield* Effect.result(sql.unsafe(statement, binds))
          assert.isTrue(
            Result.isSuccess(ran),
            `${JSON.stringify(text)}: ${Result.isFailure(ran) ? SqlFailure.detail(ran.failure) : ""}`
          )
        }
      }),
    600_000
  )
})
