import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import * as FreePort from "../../src/layers/process/endpoint/FreePort.ts"
import * as PollerProgram from "../../src/programs/poller/PollerProgram.ts"
import { SupervisionTree } from "../../src/services/supervision/SupervisionTree.ts"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import { config } from "../fixtures/fleet.ts"
import { agent, check } from "../services/poller/statuses.ts"
import { restartable } from "../support/restartable.ts"

const recoveryMaxMillis = 5_000

/** Waits until the condition holds; fails the test when it does not within 20 s. */
const until = (holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeout("20 seconds")
  )

/** What else the machine does only adds to a time. */
const bestOfThree = { retry: 2, timeout: 30_000 }

describe("A poller over gRPC", () => {
  /** Of an existing core, to which early reports for the whole poller go at most every 5 s. */
  const cores = [["ours", true, recoveryMaxMillis], ["an existing core", false, 2 * recoveryMaxMillis]] as const

  for (const [name, takesParts, withinMillis] of cores) {
    it.live(
      `tells ${name} soon that an agent is gone, and within ${withinMillis} ms that it is back, long before the next interval`,
      () =>
        Effect.gen(function*() {
          const port = yield* FreePort.next("127.0.0.1", 0)
          const fakeAgent = yield* restartable(FakeAgent.serve({ port }))
          const core = yield* FakeCore.serve({ takesParts })
          yield* fakeAgent.start
          yield* Effect.forkScoped(PollerProgram.run(
            config([agent("a", `127.0.0.1:${port}`, [check("ssh")])], {
              pollInterval: "10 minutes",
              coreAddress: core.address
            })
          ))
          const statuses = () => core.received.flatMap(({ services }) => services)
          yield* until(() => statuses().length === 1)

          yield* fakeAgent.stop
          yield* until(() => statuses().at(-1)?.available === false)
          const back = yield* Clock.currentTimeMillis
          yield* fakeAgent.start
          yield* until(() => statuses().at(-1)?.available === true)
          const took = (yield* Clock.currentTimeMillis) - back

          yield* Effect.logInfo(`an agent was reported ${took} ms after its return`)
          assert.isBelow(took, withinMillis)
        }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
      bestOfThree
    )
  }

  it.live(
    "keeps what it measured while core was away, and core has it in order within 5 s of its return",
    () =>
      Effect.gen(function*() {
        const port = yield* FreePort.next("127.0.0.1", 0)
        let polled = 0
        const getStatus = () =>
          Effect.sync(() => {
            polled += 1
            return FakeAgent.available(Buffer.from(JSON.stringify({ poll: polled })))
          })
        const address = yield* FakeAgent.serve({ getStatus })
        const received: Array<FakeCore.Received> = []
        const core = yield* restartable(FakeCore.serve({ port, received }))
        const polls = () =>
          received.flatMap(({ services }) => services).map((one) => JSON.parse(one.message.toString()).data.poll)
        yield* core.start
        yield* Effect.forkScoped(PollerProgram.run(
          config([agent("a", address, [check("ssh")])], {
            pollInterval: "100 millis",
            coreAddress: `127.0.0.1:${port}`
          }),
          { batchWait: "200 millis" }
        ))
        yield* until(() => received.length > 0)

        yield* core.stop
        const before = { received: received.length, polled }
        yield* until(() => polled >= before.polled + 20)
        const back = { atMillis: yield* Clock.currentTimeMillis, polled }
        yield* core.start
        yield* until(() => received.length > before.received)
        const took = (yield* Clock.currentTimeMillis) - back.atMillis
        yield* until(() => polls().includes(back.polled + 1))

        yield* Effect.logInfo(`core had the first report ${took} ms after its return`)
        assert.isBelow(took, recoveryMaxMillis)
        // At least once: what core took without being able to say so comes again.
        const delivered = polls()
        const last = Math.max(...delivered)
        assert.deepStrictEqual([...new Set(delivered)], Array.from({ length: last }, (_, index) => index + 1))
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    bestOfThree
  )
})
