/** The time of day is set back by an hour while a batch fills: what is published then is stored all the same, and soon. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer, Option, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import * as EventWriter from "../support/eventWriter.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const live = Layer.merge(TestDatabase.layer, Reactivity.layer)

describe("The event writer with a clock that is set", () => {
  it.live("stores a batch in its time, within 4 s of publishing (clock-back.mjs)", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const server = yield* NatsServer.start()
      const clockBack = path.join(yield* temporaryFolder, "clock-back")
      const fixture = pathToFileURL(path.join(Program.projectRoot, "test/fixtures/clockBack.mjs")).href
      yield* Program.start(["event-writer"], {
        env: {
          ...EventWriter.environment(server.url, Redacted.value(url)),
          EVENT_WRITER_BATCH_TIMEOUT: "3s",
          NODE_OPTIONS: `--import ${fixture}`,
          CLOCK_BACK: clockBack
        }
      })
      const connection = yield* EventWriter.natsConnection(server.url)
      yield* EventWriter.awaitStreams(connection)
      const publish = (body: string) =>
        Effect.promise(() => jetstream(connection).publish("logs.app", JSON.stringify({ body })))
      const sql = yield* PgClient.make({ url, maxConnections: 1 })
      const stored = (count: number) =>
        Program.eventually(
          `${count} rows`,
          Effect.map(sql`select body from platform.logs`, (rows) =>
            Option.liftPredicate(rows.length, (n) => n === count)),
          { within: "20 seconds" }
        )

      yield* publish("before")
      yield* Effect.promise(() =>
        fs.writeFile(clockBack, "")
      )
      yield* Effect.sleep("100 millis")
      yield* publish("after")
      const startMillis = performance.now()
      yield* stored(2)
      const tookMillis = performance.now() - startMillis

      assert.isBelow(tookMillis, 4_000)
    }).pipe(Effect.scoped, Effect.provide(live)), { retry: 2, timeout: 60_000 })
})
