import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as ForeignTables from "../../support/foreignTables.ts"
import * as Program from "../../support/Program.ts"
import * as TestConnection from "../../support/TestConnection.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

/** The command's exit code and what it said. */
const compare = Effect.fnUntraced(function*(flags: string) {
  const { url } = yield* TestDatabase
  const program = yield* Program.start(["event-writer", "--compare", ...flags.split(" ")], {
    env: { DATABASE_URL: Redacted.value(url), NO_COLOR: "1" }
  })
  const code = yield* program.exited
  return { code, output: program.output(), stdout: program.stdout() }
}, Effect.scoped)

const schemas = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  for (const schema of ["trusted", "candidate"]) yield* ForeignTables.make(schema, "v1.0.76.sql")
  for (
    const table of ["timeseries_metrics", "logs", "otel_metrics", "otel_traces", "sweep_host_states", "netflow_metrics"]
  ) {
    yield* sql`truncate ${sql(`candidate.${table}`)}`
    yield* sql`insert into ${sql(`candidate.${table}`)} select * from ${sql(`trusted.${table}`)}`
  }
  return sql
})

layer(TestConnection.layer, { excludeTestServices: true, timeout: "60 seconds" })("event-writer --compare", (it) => {
  it.effect("ends with 0 when all is equal, with 1 when not, and shows what differs", () =>
    Effect.gen(function*() {
      const sql = yield* schemas
      const equal = yield* compare("--left trusted --right candidate")
      yield* sql`update candidate.logs set severity_text = 'FATAL' where body = 'old 3'`
      yield* sql`delete from candidate.otel_traces where span_id = 's7'`

      const different = yield* compare("--left trusted --right candidate --since 47h30m")
      const json = yield* compare("--left trusted --right candidate --json --table logs")
      const others = yield* compare("--left trusted --right candidate --table otel_metrics --table netflow_metrics")

      assert.strictEqual(equal.code, 0, equal.output)
      assert.include(equal.stdout, "left out, when it was written: created_at")
      assert.strictEqual(different.code, 1, different.output)
      assert.match(different.stdout, /^logs +47 +47 +46 +0 +1 +0 +0$/m)
      assert.match(different.stdout, /^otel_traces +47 +46 +46 +0 +0 +1 +0$/m)
      assert.include(different.stdout, "severity_text: – on the left, \"FATAL\" on the right")
      assert.strictEqual(json.code, 1)
      const parsed: unknown = JSON.parse(json.stdout)
      assert.isTrue(Array.isArray(parsed) && parsed.length === 1)
      assert.strictEqual(others.code, 0, others.output)
    }))

  it.effect("ends with 2 when it is not clear what to compare", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach(
        [
          "--left trusted",
          "--left trusted --right trusted",
          "--left trusted --right nowhere",
          "--left trusted --right candidate --table ocsf_events",
          "--left trusted --right candidate --table nothing",
          "--left trusted --right candidate --since soon"
        ],
        compare,
        { concurrency: 2 }
      )

      assert.deepStrictEqual(
        calls.map(({ code }) => code),
        calls.map(() => 2)
      )
      assert.include(calls[0]?.output, "Give --left SCHEMA and --right SCHEMA")
      assert.include(calls[3]?.output, "ocsf_events is on neither side")
    }))
})
