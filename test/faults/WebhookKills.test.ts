import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import * as CuttingProxy from "../support/cuttingProxy.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"
import * as WebhookReceiver from "../support/webhookReceiver.ts"

const Alert = Schema.fromJsonString(
  Schema.Struct({ title: Schema.String, poller_id: Schema.String, timestamp: Schema.String })
)

/** A core with a webhook, its database behind a proxy, and a poller that reports when it is told to. */
const world = Effect.gen(function*() {
  const { url } = yield* TestDatabase
  const hook = yield* WebhookReceiver.make
  const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
  const file = path.join(yield* temporaryFolder, "core.json")
  const config = {
    listen_addr: `127.0.0.1:${ports.http}`,
    grpc_addr: `127.0.0.1:${ports.grpc}`,
    alert_threshold: "3s",
    webhooks: [{ enabled: true, url: hook.url }]
  }
  yield* Effect.promise(() => fs.writeFile(file, JSON.stringify(config)))
  const direct = new URL(Redacted.value(url))
  // The id goes along whenever something is written of the poller.
  const proxy = yield* CuttingProxy.make(Number(direct.port), "poller-1")
  const through = new URL(direct)
  through.port = String(proxy.port)
  const start = Program.start(["core", "--config", file], { env: { DATABASE_URL: through.href } })
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
  const reported = (core: Program.Program, at: bigint) =>
    Program.eventually(
      "a report is accepted",
      Effect.asSome(poller.reportStatus(CoreProcess.wireReport(at, []))),
      { within: "20 seconds", programs: [core] }
    )
  const alerts = Effect.suspend(() =>
    Effect.forEach(hook.bodies, (body) => Schema.decodeUnknownEffect(Alert)(body.trim()))
  )
  const told = (title: string, count: number, core: Program.Program) =>
    Program.eventually(
      `${count} of ${title}`,
      Effect.map(
        alerts,
        (all) => Option.liftPredicate(all.filter((one) => one.title === title), (some) => some.length >= count)
      ),
      { within: "30 seconds", programs: [core] }
    )
  const killed = Effect.fnUntraced(function*(core: Program.Program) {
    yield* core.kill("SIGKILL")
    yield* core.exited
    yield* hook.answer(true)
    return yield* start
  })
  const untold = yield* CoreProcess.untoldTurns(url)
  const nothingUntold = (core: Program.Program) =>
    Program.eventually(
      "nothing more to tell",
      Effect.map(untold, Option.liftPredicate((count) => count === 0)),
      { within: "30 seconds", programs: [core] }
    )
  return { alerts, hook, killed, nothingUntold, proxy, reported, start, told }
})

describe("Core that dies before a webhook has answered", () => {
  it.live("tells it of a poller's loss and of its return once it is back", () =>
    Effect.gen(function*() {
      const { hook, killed, nothingUntold, reported, start, told } = yield* world

      yield* hook.answer(false)
      const first = yield* start
      yield* reported(first, 1_700_000_000n)
      yield* told("Poller Offline", 1, first)
      const second = yield* killed(first)
      const lost = yield* told("Poller Offline", 2, second)
      yield* nothingUntold(second)
      yield* hook.answer(false)
      yield* reported(second, 1_700_000_001n)
      yield* told("Poller Recovered", 1, second)
      const third = yield* killed(second)
      const back = yield* told("Poller Recovered", 2, third)

      // The same loss and the same return, not others of this core.
      assert.deepStrictEqual(lost[1], lost[0])
      assert.deepStrictEqual(back[1]?.poller_id, "poller-1")
      assert.isAtMost(
        Math.abs(Date.parse(back[1]?.timestamp ?? "") - Date.parse(back[0]?.timestamp ?? "")),
        1_000
      )
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))

  it.live("finds a loss again that it could not note, for its database was away, and tells of it", () =>
    Effect.gen(function*() {
      const { hook, killed, nothingUntold, proxy, reported, start, told } = yield* world

      yield* hook.answer(false)
      const first = yield* start
      yield* reported(first, 1_700_000_000n)
      proxy.cutAt(0)
      yield* told("Poller Offline", 1, first)
      const second = yield* killed(first)
      proxy.cutAt(undefined)
      yield* told("Poller Offline", 2, second)
      yield* nothingUntold(second)
      yield* reported(second, 1_700_000_001n)
      yield* told("Poller Recovered", 1, second)
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))

  it.live("owes both where the poller returned in the moment in which the database did", () =>
    Effect.gen(function*() {
      const { alerts, hook, killed, nothingUntold, proxy, reported, start, told } = yield* world

      yield* hook.answer(false)
      const first = yield* start
      yield* reported(first, 1_700_000_000n)
      proxy.cutAt(0)
      yield* told("Poller Offline", 1, first)
      proxy.cutAt(undefined)
      yield* reported(first, 1_700_000_001n)
      const before = (yield* alerts).length
      const second = yield* killed(first)
      yield* told("Poller Recovered", 1, second)
      yield* nothingUntold(second)

      assert.deepStrictEqual((yield* alerts).slice(before).map(({ title }) => title), [
        "Poller Offline",
        "Poller Recovered"
      ])
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))
})
