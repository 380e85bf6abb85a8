/** `serviceradar up` whose data folder has no room: PostgreSQL and nats-server of its own write there. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import * as OwnDisk from "../../support/ownDisk.ts"
import * as Program from "../../support/Program.ts"

const run = promisify(execFile)

const decodeState = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({ httpUrl: Schema.String })))
const Answer = Schema.Struct({ results: Schema.Array(Schema.Struct({ timestamp: Schema.String })) })

/** When the newest log that the event writer stored was written. */
const newestLog = (httpUrl: string): Effect.Effect<Option.Option<string>> =>
  Effect.promise(() =>
    fetch(`${httpUrl}/api/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "in:logs time:last_1h sort:timestamp:desc limit:1" }),
      signal: AbortSignal.timeout(5_000)
    }).then((response) => response.json()).catch(() => undefined)
  ).pipe(
    Effect.map((body) => Option.map(Schema.decodeUnknownOption(Answer)(body), ({ results }) => results[0]?.timestamp)),
    Effect.map(Option.flatMapNullishOr((timestamp) => timestamp))
  )

describe("A full disk", () => {
  it.live(
    "is a state of up: readiness names it, and telemetry is stored again when there is room",
    () =>
      Effect.gen(function*() {
        const disk = yield* OwnDisk.small("600m")
        const directory = path.join(disk, "data")
        const up = yield* Program.start(["up", "--json", "--dir", directory])
        const eventually = <A>(what: string, look: Effect.Effect<Option.Option<A>>) =>
          Program.eventually(what, look, { within: "90 seconds", programs: [up] })
        const { httpUrl } = yield* eventually(
          "an address",
          Effect.promise(() => fs.readFile(path.join(directory, "run.json"), "utf8").catch(() => "")).pipe(
            Effect.flatMap(decodeState),
            Effect.option
          )
        )
        const readiness = Program.fetchJson(`${httpUrl}/health/ready`).pipe(
          Effect.map((body) => JSON.stringify(body)),
          Effect.catch((error) => Effect.succeed(error.message))
        )
        const says = (what: string, pattern: RegExp) =>
          eventually(what, Effect.map(readiness, Option.liftPredicate((text) => pattern.test(text))))
        yield* says("up is ready", /"status":"ready"/)
        const before = yield* eventually("a log", newestLog(httpUrl))

        // Also what the file system keeps back for its tables.
        yield* Effect.promise(() => run("dd", ["if=/dev/zero", `of=${disk}/fill`, "bs=4k"]).catch(() => undefined))
        yield* says("the disk is named", /no space|no room|full/i)
        yield* Effect.promise(() => fs.rm(path.join(disk, "fill")))
        yield* says("up is ready again", /"status":"ready"/)
        const emptied = new Date().toISOString()
        const after = yield* eventually(
          "a log of the time since",
          Effect.map(newestLog(httpUrl), Option.filter((timestamp) => timestamp > emptied))
        )

        assert.isTrue(up.isRunning())
        assert.isTrue(after > before)
      }).pipe(Effect.scoped),
    300_000
  )
})
