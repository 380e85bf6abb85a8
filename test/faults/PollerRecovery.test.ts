import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Schedule, Scope } from "effect"
import * as FreePort from "../../src/layers/postgres/FreePort.ts"
import * as PollerProgram from "../../src/programs/poller/PollerProgram.ts"
import { SupervisionTree } from "../../src/services/supervision/SupervisionTree.ts"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import { config } from "../fixtures/fleet.ts"
import { agent, check } from "../services/poller/statuses.ts"

const recoveryMaxMillis = 5_000

/** Waits until the condition holds; fails the test when it does not within 10 s. */
const until = (holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeout("10 seconds")
  )

/** A server that can be taken away and brought back on the same port. */
const restartable = Effect.fnUntraced(function*<A, E>(serve: Effect.Effect<A, E, Scope.Scope>) {
  const start = Effect.gen(function*() {
    const scope = yield* Scope.make()
    yield* Scope.provide(serve, scope)
    return Scope.close(scope, Exit.void)
  })
  return { start }
})

describe("A poller over gRPC", () => {
  it.live(
    "reports at once that an agent is gone, and within 5 s that it is back, long before the next interval",
    () =>
      Effect.gen(function*() {
        const port = yield* FreePort.next("127.0.0.1", 0)
        const fakeAgent = yield* restartable(FakeAgent.serve({ port }))
        const core = yield* FakeCore.serve()
        const stop = yield* fakeAgent.start
        yield* Effect.forkScoped(PollerProgram.run(
          config([agent("a", `127.0.0.1:${port}`, [check("ssh")])], {
            pollInterval: "10 minutes",
            coreAddress: core.address
          })
        ))
        const statuses = () => core.received.flatMap(({ services }) => services)
        yield* until(() => statuses().length === 1)

        yield* stop
        yield* until(() => statuses().at(-1)?.available === false)
        const back = yield* Clock.currentTimeMillis
        yield* fakeAgent.start
        yield* until(() => statuses().at(-1)?.available === true)
        const took = (yield* Clock.currentTimeMillis) - back

        yield* Effect.logInfo(`an agent was reported ${took} ms after its return`)
        assert.isBelow(took, recoveryMaxMillis)
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    30_000
  )

  it.live(
    "keeps what it measured while core was away, and core has it in order within 5 s of its return",
    () =>
      Effect.gen(function*() {
        const port = yield* FreePort.next("127.0.0.1", 0)
        const address = yield* FakeAgent.serve()
        const received: Array<FakeCore.Received> = []
        const core = yield* restartable(FakeCore.serve({ port, received }))
        const stop = yield* core.start
        const { run } = PollerProgram
        yield* Effect.forkScoped(run(
          config([agent("a", address, [check("ssh"), check("http")])], {
            pollInterval: "200 millis",
            coreAddress: `127.0.0.1:${port}`
          }),
          { batchWait: "200 millis" }
        ))
        yield* until(() => received.length > 0)

        yield* stop
        const before = received.length
        yield* Effect.sleep("3 seconds")
        const back = yield* Clock.currentTimeMillis
        yield* core.start
        yield* until(() => received.length > before)
        const took = (yield* Clock.currentTimeMillis) - back
        yield* Effect.sleep("1 second")

        yield* Effect.logInfo(`core had the first report ${took} ms after its return`)
        assert.isBelow(took, recoveryMaxMillis)
        const timestamps = received.map(({ timestamp }) => Number(timestamp))
        assert.deepStrictEqual(timestamps, timestamps.toSorted((a, b) => a - b))
        // 4 s of the gap and after it at 5 polls a second, of 2 checks each.
        const late = received.slice(before).flatMap(({ services }) => services)
        assert.isAtLeast(late.length, 2 * 5 * 3)
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    30_000
  )
})
