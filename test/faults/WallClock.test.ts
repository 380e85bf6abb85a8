import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const Services = Schema.Struct({ services: Schema.Array(Schema.Struct({ available: Schema.Boolean })) })

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { config, ports } = yield* CoreProcess.configured(folder)
  const clockBack = path.join(folder, "clock-back")
  const fixture = pathToFileURL(path.join(Program.projectRoot, "test/fixtures/clockBack.mjs")).href
  const core = yield* Program.start(["core", "--config", config], {
    env: { NODE_OPTIONS: `--import ${fixture}`, CLOCK_BACK: clockBack }
  })
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
  const report = (available: boolean, aheadSeconds: number) =>
    poller.reportStatus(
      CoreProcess.wireReport(
        BigInt(Math.floor(Date.now() / 1_000) + aheadSeconds),
        [CoreProcess.wireStatus({ serviceName: "ssh", available })]
      )
    )
  const shows = (available: boolean) =>
    Program.eventually(
      `the service as ${available ? "up" : "down"}`,
      Program.fetchJson(`http://127.0.0.1:${ports.http}/api/services`).pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Services)),
        Effect.map(({ services }) => Option.liftPredicate(services, ([one]) => one?.available === available))
      ),
      { within: "30 seconds", programs: [core] }
    )
  const taken = (available: boolean, aheadSeconds: number) =>
    Program.eventually("a report taken", Effect.asSome(report(available, aheadSeconds)), {
      within: "30 seconds",
      programs: [core]
    })
  return { clockBack, shows, taken }
})

describe("A clock that is set", () => {
  it.live("freezes no service: neither the poller's, which was ahead, nor core's own, set back by an hour", () =>
    Effect.gen(function*() {
      const { clockBack, shows, taken } = yield* setUp
      yield* taken(true, 300)
      yield* shows(true)
      // The poller's clock is right again.
      yield* taken(false, 0)
      yield* shows(false)

      yield* Effect.promise(() => fs.writeFile(clockBack, ""))
      yield* Effect.sleep("100 millis")
      // Of the hour that core has before it again.
      yield* taken(true, -3_600)
      const [service] = yield* shows(true)

      assert.isTrue(service?.available)
    }))
})
