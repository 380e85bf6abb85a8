import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import type { StatusResponse } from "../../../src/gen/monitoring/monitoring.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as ExistingCore from "../../fixtures/ExistingCore.ts"
import * as FakeAgent from "../../fixtures/FakeAgent.ts"
import { config } from "../../fixtures/fleet.ts"
import { agent, check } from "../../services/poller/statuses.ts"

/** Waits until the condition holds; fails the test when it does not within 20 s. */
const until = (holds: () => boolean, what: string) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail(what)).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.fail(`never: ${what}`) })
  )

const names = (count: number) => Array.from({ length: count }, (_, index) => `check-${index}`)

const document = Buffer.from("{\"ok\":true}")

const poller = (
  agents: Parameters<typeof config>[0],
  coreAddress: string,
  pollInterval: Duration.Input
) => PollerProgram.run(config(agents, { pollInterval, coreAddress }))

const namesIn = (sample: ExistingCore.Sample) => sample.services.map(({ serviceName }) => serviceName).toSorted()

const live = { timeout: 60_000 }

describe("A poller that reports to an existing core", () => {
  it.live(
    "shows all checks in every sample while one hangs, fails and returns, and makes no recovery of it",
    () =>
      Effect.gen(function*() {
        let answer: Effect.Effect<StatusResponse> = Effect.succeed(FakeAgent.available(document))
        const address = yield* FakeAgent.serve({
          getStatus: (name) => name === "check-4" ? answer : Effect.succeed(FakeAgent.available(document))
        })
        const core = yield* ExistingCore.serve()
        const { samples } = core.memory
        yield* Effect.forkScoped(
          poller(
            [agent("a", address, names(5).map((name) => check(name, { timeout: Duration.millis(900) })))],
            core.address,
            "1 second"
          )
        )

        yield* until(() => samples.length >= 2, "two samples while all is well")
        answer = Effect.never
        const before = samples.length
        yield* until(() => samples.slice(before).some(({ isHealthy }) => !isHealthy), "a sample of the outage")
        yield* until(() => samples.length >= before + 5, "more samples of the outage")
        const during = core.memory.recoveries
        answer = Effect.succeed(FakeAgent.available(document))
        yield* until(() => samples.at(-1)?.isHealthy === true, "the end of the outage")
        yield* until(() => samples.length >= before + 8, "samples after it")

        assert.isTrue(samples[0]?.isStream, "an unknown poller is registered on a stream only")
        for (const sample of samples) assert.deepStrictEqual(namesIn(sample), names(5))
        assert.strictEqual(during, 0)
        assert.strictEqual(core.memory.recoveries, 1)
        assert.strictEqual(core.memory.dropped, 0)
        assert.deepStrictEqual(core.memory.problems, [])
        const known = samples.flatMap(({ services }) => services).filter(({ source }) => source === "lastKnown")
        assert.isTrue(known.some(({ serviceName }) => serviceName === "check-4"))
        assert.isTrue(known.every(({ message }) => typeof JSON.parse(message.toString()).last_known === "string"))
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )

  it.live(
    "has an agent that hangs from the start in the first sample, and not a sample without it",
    () =>
      Effect.gen(function*() {
        const well = yield* FakeAgent.serve()
        const hanging = yield* FakeAgent.hang
        const core = yield* ExistingCore.serve()
        const { samples } = core.memory
        yield* Effect.forkScoped(poller(
          [
            agent("well", well, names(4).map((name) => check(name))),
            agent("hanging", hanging, [check("check-4", { timeout: Duration.seconds(1) })])
          ],
          core.address,
          "2 seconds"
        ))

        yield* until(() => samples.length >= 3, "three samples")

        for (const sample of samples) {
          assert.deepStrictEqual(namesIn(sample), names(5))
          assert.isFalse(sample.isHealthy)
        }
        assert.deepStrictEqual([core.memory.recoveries, core.memory.problems], [0, []])
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )

  it.live(
    "has a check that never answered, and whose time is longer than the interval, in every sample, also after a restart",
    () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve({
          getStatus: (name) => name === "check-4" ? Effect.never : Effect.succeed(FakeAgent.available(document))
        })
        const core = yield* ExistingCore.serve()
        const { samples } = core.memory
        const start = Effect.forkScoped(
          poller([agent("a", address, names(5).map((name) => check(name)))], core.address, "1 second")
        )
        const running = yield* start
        yield* until(() => samples.length >= 3, "three samples")
        yield* Fiber.interrupt(running)
        const atRestart = samples.length
        yield* start
        yield* until(() => samples.length >= atRestart + 3, "three samples after the restart")

        for (const sample of samples) {
          assert.deepStrictEqual(namesIn(sample), names(5))
          const silent = sample.services.find(({ serviceName }) => serviceName === "check-4")
          assert.deepInclude(silent, { available: false, source: "lastKnown", agentId: "a" })
          assert.include(silent?.message.toString(), "not answered yet")
        }
        assert.deepStrictEqual([core.memory.recoveries, core.memory.problems], [0, []])
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )

  it.live(
    "shows 120 checks of three agents with the same names in every sample, one per cycle",
    () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve()
        const core = yield* ExistingCore.serve()
        const { samples } = core.memory
        const checks = names(40).map((name) => check(name))
        const agents = ["a", "b", "c"].map((name) => agent(name, address, checks))
        yield* Effect.forkScoped(poller(agents, core.address, "2 seconds"))

        yield* until(() => samples.length >= 4, "four samples")

        // The first is the stream that registers the poller, which can hold each name once.
        const [first, ...others] = samples
        assert.deepStrictEqual([first?.isStream, first?.services.length], [true, 40])
        for (const sample of others) {
          assert.lengthOf(new Set(sample.services.map((one) => `${one.agentId} ${one.serviceName}`)), 120)
          assert.lengthOf(sample.services, 120)
        }
        assert.deepStrictEqual([core.memory.recoveries, core.memory.problems], [0, []])
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )

  it.live(
    "shows everything again after a restart of core, which knows no poller then, and of the poller",
    () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve({
          getStatus: (name) => Effect.succeed({ ...FakeAgent.available(document), available: name !== "check-1" })
        })
        const memory = ExistingCore.memory()
        const owner = yield* Effect.scope
        const first = yield* Scope.fork(owner)
        const core = yield* Scope.provide(ExistingCore.serve({ memory }), first)
        const start = Effect.forkScoped(
          poller([agent("a", address, names(3).map((name) => check(name)))], core.address, "1 second")
        )
        const running = yield* start
        yield* until(() => memory.samples.length >= 2, "samples before the restart")

        yield* Scope.close(first, Exit.void)
        const atRestart = memory.samples.length
        yield* ExistingCore.serve({ memory, port: core.port })
        yield* until(() => memory.samples.length >= atRestart + 2, "samples after the restart of core")
        yield* Fiber.interrupt(running)
        const atSecond = memory.samples.length
        yield* start
        yield* until(() => memory.samples.length >= atSecond + 2, "samples after the restart of the poller")

        for (const sample of memory.samples) assert.deepStrictEqual(namesIn(sample), names(3))
        assert.isTrue(memory.samples[atRestart]?.isStream)
        assert.deepStrictEqual([memory.recoveries, memory.dropped, memory.problems], [0, 0, []])
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )

  it.live(
    "sends nothing that core stumbles over, and sysmon as what it takes metrics from",
    () =>
      Effect.gen(function*() {
        const messages: Readonly<Record<string, Buffer>> = {
          nul: Buffer.from("a\0b"),
          escaped: Buffer.from("{\"a\":\"\\u0000\\ud800\\\\u0000\"}"),
          broken: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
          nothing: Buffer.alloc(0),
          word: Buffer.from("hello"),
          host: Buffer.from("{\"status\":{\"cpus\":[]}}")
        }
        const address = yield* FakeAgent.serve({
          getStatus: (name) =>
            Effect.succeed({
              ...FakeAgent.available(messages[name] ?? document),
              agentId: name === "nul" ? "x\0y" : ""
            })
        })
        const core = yield* ExistingCore.serve()
        const { samples } = core.memory
        const typed = (name: string, type: string) => check(name, { serviceType: ServiceType.make(type) })
        const odd = Object.keys(messages).filter((name) => name !== "host")
        const checks = [
          ...["port", "sync", "snmp"].flatMap((type) => odd.map((name) => typed(name, type))),
          typed("host", "sysmon")
        ]
        yield* Effect.forkScoped(poller([agent("a", address, checks)], core.address, "1 second"))

        yield* until(() => samples.length >= 2, "two samples")

        assert.deepStrictEqual(core.memory.problems, [])
        const sysmon = samples[0]?.services.find(({ serviceName }) => serviceName === "sysmon-host")
        assert.strictEqual(sysmon?.serviceType, "grpc")
        assert.deepInclude(JSON.parse(sysmon?.message.toString() ?? ""), {
          service_type: "grpc",
          service_name: "sysmon-host"
        })
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, SupervisionTree.layer])),
    live
  )
})
