import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Layer, Logger, Metric, Option, Ref, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Polled } from "../../../src/domain/events/outgoing/Polled.ts"
import type { Check } from "../../../src/domain/monitoring/checks/Check.ts"
import { ServiceName, ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import {
  AgentClient,
  type AgentConnection,
  AgentError,
  Busy,
  Garbled,
  Refused,
  Unreachable,
  Unsupported
} from "../../../src/services/poller/AgentClient.ts"
import * as AgentCoordinator from "../../../src/services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import * as CheckScheduler from "../../../src/services/poller/CheckScheduler.ts"
import * as ConnectionManager from "../../../src/services/poller/ConnectionManager.ts"
import { CoreReporter, type Report } from "../../../src/services/poller/CoreReporter.ts"
import * as Lease from "../../../src/services/poller/handover/Lease.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import { LargeReplies } from "../../../src/services/poller/polls/LargeReplies.ts"
import * as ResultsStreamer from "../../../src/services/poller/ResultsStreamer.ts"
import { PollObserver } from "../../../src/services/telemetry/PollObserver.ts"
import { secured } from "../../support/secured.ts"
import { bounded } from "./bounded.ts"
import { agent, check, poller, textOf } from "./statuses.ts"

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const up = { available: true, message: bytes({ port: 22 }), responseTimeNanos: 5n, agentId: "" }

const agentId = agent("agent-1", "", []).agentId
const unreachable = new AgentError({ agentId, reason: new Unreachable({ detail: "connection refused" }) })
const garbled = new AgentError({ agentId, reason: new Garbled({ detail: "\"quoted\"\n\u0001" }) })

const healthy: AgentConnection = {
  getStatus: () => Effect.succeed(up),
  getResults: () => Effect.succeed({ ...up, sequence: "1", hasNewData: true }),
  streamResults: () => Stream.make({ data: bytes([1]), isFinal: true, sequence: "1", index: 0, total: 0 }),
  probe: () => Effect.void,
  lost: new Gate()
}

interface Seen extends Report {
  readonly name: string
  readonly atSeconds: number
}

/** One agent's children under the test clock, with every report recorded instead of sent. */
const polling = Effect.fnUntraced(function*(
  connection: AgentConnection,
  checks: ReadonlyArray<Check>,
  observe: (polled: Polled) => void = () => undefined,
  addresses: ReadonlyMap<string, string> = new Map()
) {
  const seen: Array<Seen> = []
  const link = AgentLink.make({
    addresses,
    agent: agent("agent-1", "agent:1", checks),
    poller,
    pollInterval: Duration.seconds(30)
  })
  const recording = Layer.succeed(CoreReporter, {
    report: (report) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        seen.push({ ...report, name: report.status.serviceName, atSeconds: Math.floor(now / 1000) })
      }),
    reconfigure: () => Effect.void,
    run: Effect.never,
    pending: Effect.succeed(0),
    trouble: Effect.succeedNone
  })
  const children = Effect.gen(function*() {
    const context = yield* AgentCoordinator.secure(link)
    const manage = yield* ConnectionManager.start(link)
    yield* Effect.all([context, manage, CheckScheduler.run(link), ResultsStreamer.run(link)], {
      concurrency: "unbounded"
    })
  })
  yield* Effect.forkScoped(
    Effect.scoped(children).pipe(
      Effect.provide([
        Layer.succeed(AgentClient, { connect: () => Effect.succeed(bounded(agentId, connection)) }),
        secured,
        HostIdentity.layerStatic(""),
        recording
      ]),
      Effect.provideService(PollObserver, observe),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ),
    { startImmediately: true }
  )
  yield* TestClock.adjust(0)
  return { seen, link }
})

const nth = (seen: ReadonlyArray<Seen>, index: number): Seen => Option.getOrThrow(Option.fromNullishOr(seen[index]))

const resultsCheck = (name: string, serviceType: string, interval: Duration.Input = "1 minute"): Check =>
  check(name, {
    serviceType: ServiceType.make(serviceType),
    serviceName: ServiceName.make(name),
    resultsInterval: Option.some(Duration.fromInputUnsafe(interval))
  })

describe("AgentCoordinator's children", () => {
  it.effect("run each check at once and then on the interval", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling(healthy, [check("ssh"), check("http")])
      yield* TestClock.adjust("60 seconds")

      assert.deepStrictEqual(
        seen.map(({ atSeconds, name, status }) => [name, atSeconds, status.available]),
        [0, 30, 60].flatMap((at) => [["ssh", at, true], ["http", at, true]])
      )
      assert.deepStrictEqual(JSON.parse(textOf(nth(seen, 0).status)).data.port, 22)
    }))

  for (const [seconds, reported] of [[2, 1], [10, 0]] as const) {
    it.effect(`report ${reported} of one answer that is read for ${seconds} s, when they end meanwhile`, () =>
      Effect.gen(function*() {
        const large = { ...up, message: bytes({ text: "x".repeat(70_000) }) }
        const life = yield* Scope.make()
        const { seen } = yield* polling({ ...healthy, getStatus: () => Effect.succeed(large) }, [check("large")]).pipe(
          Scope.provide(life),
          Effect.provideService(LargeReplies, {
            wrap: (_wrapping, message) => Effect.delay(Effect.succeed(message), Duration.seconds(seconds))
          })
        )
        yield* TestClock.adjust("1 second")
        const ending = yield* Effect.forkChild(Scope.close(life, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(ending)

        assert.deepStrictEqual(seen.map(({ status }) => status.available), Array.from({ length: reported }, () => true))
      }))
  }

  it.effect("believe an agent a name of its own, and not that of another agent of the poller, told once", () =>
    Effect.gen(function*() {
      const addresses = new Map([["agent-1", "agent:1"], ["agent-2", "agent:2"], ["same", "agent:1"]])
      const warned: Array<string> = []
      const asEach = (saying: string) =>
        Effect.gen(function*() {
          const reply = { ...up, agentId: saying }
          const large = { ...reply, message: bytes({ text: "x".repeat(70_000) }) }
          const { seen } = yield* polling(
            {
              ...healthy,
              getStatus: ({ serviceName }) => Effect.succeed(serviceName === "large" ? large : reply),
              getResults: () => Effect.succeed({ ...reply, sequence: "", hasNewData: true })
            },
            [check("ssh"), check("large"), resultsCheck("facts", "sysmon")],
            undefined,
            addresses
          )
          yield* TestClock.adjust("30 seconds")
          return new Set(seen.map(({ status }) => `${status.agentId} ${JSON.parse(textOf(status)).agent_id}`))
        }).pipe(
          Effect.scoped,
          Effect.provide(Logger.layer([Logger.make(({ message }) => void warned.push(String(message)))]))
        )

      assert.deepStrictEqual(yield* asEach("host-17"), new Set(["host-17 host-17"]))
      assert.deepStrictEqual(yield* asEach(""), new Set(["agent-1 agent-1"]))
      assert.deepStrictEqual(yield* asEach("same"), new Set(["same same"]))
      assert.lengthOf(warned.filter((line) => line.includes("another agent")), 0)

      assert.deepStrictEqual(yield* asEach("agent-2"), new Set(["agent-1 agent-1"]))
      assert.lengthOf(warned.filter((line) => line.includes("agent-1 answers as \"agent-2\"")), 1)
    }))

  it.effect("tell of each status with its check, and bear a listener that throws", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      const checks = [check("ssh"), resultsCheck("inventory-sync", "grpc")]
      const { seen } = yield* polling(healthy, checks, ({ check, measuredAtMillis, status }) => {
        told.push(`${check.serviceName} ${status.serviceType} ${status.available} ${measuredAtMillis}`)
        throw new Error("it broke")
      })
      yield* TestClock.adjust("30 seconds")

      assert.sameMembers(told, ["ssh port true 0", "inventory-sync sync true 0", "ssh port true 30000"])
      assert.lengthOf(seen, 3)
    }))

  it.effect("report a check that hangs as unavailable, without delaying it or its siblings", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        getStatus: ({ serviceName }) => serviceName === "slow" ? Effect.never : Effect.succeed(up)
      }, [check("slow"), check("ssh")])
      yield* TestClock.adjust("90 seconds")

      const at = (name: string) => seen.filter((one) => one.name === name).map((one) => one.atSeconds)
      assert.deepStrictEqual(at("ssh"), [0, 30, 60, 90])
      assert.deepStrictEqual(at("slow"), [30, 60, 90])
      assert.isTrue(seen.every((one) => one.status.available === (one.name === "ssh")))
    }))

  it.effect("give a check its own time, also beyond the interval, and less where its entry says so", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        getStatus: ({ serviceName }) =>
          Effect.delay(Effect.succeed(up), serviceName === "slow" ? "70 seconds" : "5 seconds")
      }, [
        check("slow", { timeout: Duration.seconds(80) }),
        check("hasty", { timeout: Duration.seconds(4) })
      ])
      yield* TestClock.adjust("95 seconds")

      const at = (name: string) =>
        seen.filter((one) => one.name === name).map((one) => [one.atSeconds, one.status.available])
      assert.deepStrictEqual(at("slow"), [[70, true]])
      assert.deepStrictEqual(at("hasty"), [[4, false], [34, false], [64, false], [94, false]])
    }))

  it.effect("take an agent that says wait as one that is there: its other checks go on", () =>
    Effect.gen(function*() {
      const busy = new AgentError({ agentId, reason: new Busy({ detail: "64 calls are running" }) })
      const probes: Array<number> = []
      const { seen } = yield* polling({
        ...healthy,
        getStatus: ({ serviceName }) => serviceName === "ssh" ? Effect.succeed(up) : Effect.fail(busy),
        probe: () => Effect.map(Clock.currentTimeMillis, (now) => void probes.push(now))
      }, [...Array.from({ length: 8 }, (_, index) => check(`busy-${index}`)), check("ssh")])
      yield* TestClock.adjust("90 seconds")

      assert.deepStrictEqual(
        seen.filter(({ name }) => name === "ssh").map(({ atSeconds, status }) => [atSeconds, status.available]),
        [[0, true], [30, true], [60, true], [90, true]]
      )
      assert.deepStrictEqual(probes, [0])
      assert.include(textOf(nth(seen.filter(({ name }) => name === "busy-0"), 0).status), "64 calls are running")
    }))

  it.effect("put every cause of failure into well-formed JSON", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({ ...healthy, getStatus: () => Effect.fail(garbled) }, [check("ssh")])

      assert.strictEqual(JSON.parse(textOf(nth(seen, 0).status)).data.error, garbled.message)
    }))

  it.effect("run the checks within 2 s of an agent's return, and mark the change urgent", () =>
    Effect.gen(function*() {
      const isThere = yield* Ref.make(false)
      const whenThere = <A>(value: A) =>
        Effect.flatMap(Ref.get(isThere), (there) => there ? Effect.succeed(value) : Effect.fail(unreachable))
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () => whenThere(up),
        probe: () => whenThere(undefined)
      }, [check("ssh")])
      yield* TestClock.adjust("100 seconds")
      const before = seen.length
      yield* Ref.set(isThere, true)
      yield* TestClock.adjust("2 seconds")

      const after = seen.slice(before)
      assert.deepStrictEqual(after.map(({ isUrgent, status }) => [status.available, isUrgent]), [[true, true]])
      assert.deepStrictEqual([...new Set(seen.slice(0, before).map(({ atSeconds }) => atSeconds))], [0, 30, 60, 90])
    }))

  it.effect("run the checks at once when a connection breaks and is restored", () =>
    Effect.gen(function*() {
      const broken = new Gate()
      const { seen } = yield* polling({
        ...healthy,
        lost: broken
      }, [check("ssh")])
      yield* TestClock.adjust("10 seconds")
      broken.releaseUnsafe()
      yield* TestClock.adjust("10 millis").pipe(Effect.repeat({ times: 3 }))

      assert.deepStrictEqual(seen.slice(0, 2).map(({ atSeconds }) => atSeconds), [0, 10])
    }))

  it.effect("leave an agent alone for longer and longer whose connection breaks with each round of its checks", () =>
    Effect.gen(function*() {
      const broken = new Gate()
      let asked = 0
      let isWell = false
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () =>
          Effect.suspend(() => {
            asked += 1
            if (isWell) return Effect.succeed(up)
            broken.releaseUnsafe()
            return Effect.fail(unreachable)
          }),
        lost: broken
      }, [check("ssh")])
      yield* TestClock.adjust("10 millis").pipe(Effect.repeat({ times: 60_000 / 10 }))
      const first = asked
      yield* TestClock.adjust("10 minutes")

      assert.isAtMost(first, 12)
      assert.isAtMost(asked - first, 10 * 60 / 20)
      // The last may be that of a round itself.
      const latest = seen.slice(-4).map(({ status }) => textOf(status)).join("\n")
      assert.include(latest, "breaks whenever its checks are asked for")
      isWell = true
      yield* TestClock.adjust("40 seconds")
      assert.isTrue(nth(seen, seen.length - 1).status.available)
    }))

  it.effect("go on as before while each connection ends with an answer: neither polls nor probes come more often", () =>
    Effect.gen(function*() {
      const broken = new Gate()
      let asked = 0
      let probed = 0
      yield* polling({
        ...healthy,
        getStatus: () =>
          Effect.sync(() => {
            asked += 1
            broken.releaseUnsafe()
            return up
          }),
        probe: () =>
          Effect.sync(() => {
            probed += 1
            broken.releaseUnsafe()
          }),
        lost: broken
      }, [check("ssh"), check("http")])
      yield* TestClock.adjust("10 millis").pipe(Effect.repeat({ times: 100 }))
      yield* TestClock.adjust("1 second").pipe(Effect.repeat({ times: 600 }))

      // 2 at each of 21 ticks, and for what could have been restarts.
      assert.isAtLeast(asked, 42)
      assert.isAtMost(asked, 42 + 8)
      assert.isAtMost(probed, 60)
    }))

  it.effect("report an agent as absent when its connection breaks, without waiting for the interval", () =>
    Effect.gen(function*() {
      const broken = new Gate()
      const isThere = yield* Ref.make(true)
      const { seen } = yield* polling({
        ...healthy,
        probe: () => Effect.flatMap(Ref.get(isThere), (there) => there ? Effect.void : Effect.fail(unreachable)),
        lost: broken
      }, [check("ssh")])
      yield* TestClock.adjust("10 seconds")
      yield* Ref.set(isThere, false)
      broken.releaseUnsafe()
      yield* TestClock.adjust("10 millis").pipe(Effect.repeat({ times: 3 }))

      assert.deepStrictEqual(seen.map(({ atSeconds, isUrgent, status }) => [atSeconds, status.available, isUrgent]), [
        [0, true, true],
        [10, false, true]
      ])
    }))

  it.effect("do not ask an absent agent, apart from the probe, and say why", () =>
    Effect.gen(function*() {
      const asked = yield* Ref.make(0)
      const probed = yield* Ref.make(0)
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () => Effect.andThen(Ref.update(asked, (n) => n + 1), Effect.fail(unreachable)),
        probe: () => Effect.andThen(Ref.update(probed, (n) => n + 1), Effect.fail(unreachable))
      }, [check("ssh")])
      yield* TestClock.adjust("5 minutes")

      assert.isAtMost(yield* Ref.get(asked), 1)
      const probes = yield* Ref.get(probed)
      assert.isTrue(probes > 200 && probes < 500, `${probes} probes`)
      assert.isTrue(seen.length === 11 || seen.length === 12, `${seen.length} statuses`)
      assert.include(textOf(nth(seen, 10).status), "connection refused")
    }))

  it.effect("do not poll an agent more often because its answers are garbage", () =>
    Effect.gen(function*() {
      const asked = yield* Ref.make(0)
      yield* polling({
        ...healthy,
        getStatus: () => Effect.andThen(Ref.update(asked, (n) => n + 1), Effect.fail(garbled))
      }, Array.from({ length: 8 }, (_, index) => check(`s${index}`)))
      yield* TestClock.adjust("5 minutes")

      assert.isAtMost(yield* Ref.get(asked), 8 * 11)
    }))

  it.effect("ask the short way once they know whom a check is about, and say the same of failures", () =>
    Effect.gen(function*() {
      const ways: Array<string> = []
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () =>
          Effect.sync(() => {
            ways.push("long")
            return up
          }),
        askStatus: (_check, _deadline, done) => {
          ways.push("short")
          if (ways.length === 2) done({ _tag: "Reply", reply: up })
          else done({ _tag: "Other", rest: Effect.fail(garbled) })
          return () => undefined
        }
      }, [check("ssh")])
      yield* TestClock.adjust("60 seconds")

      assert.deepStrictEqual(ways.slice(0, 3), ["long", "short", "short"])
      assert.deepStrictEqual(seen.slice(0, 3).map(({ status }) => status.available), [true, true, false])
      assert.deepStrictEqual(nth(seen, 1).status.message, nth(seen, 0).status.message)
      assert.include(JSON.parse(textOf(nth(seen, 2).status)).data.error, "Garbled")
    }))

  it.effect("give up a call of the short way with its place when it is not wanted any more", () =>
    Effect.gen(function*() {
      let cancelled = 0
      const { link } = yield* polling({
        ...healthy,
        askStatus: () => () => {
          cancelled += 1
        }
      }, [check("ssh")])
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(cancelled, 0)

      yield* Effect.forkChild(Lease.giveUp(link.lease, Duration.seconds(1)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(cancelled, 1)
      assert.strictEqual(link.lease.inFlight, 0)
    }))

  it.effect("do not ask an agent that sends more than it may, until it has made up for it", () =>
    Effect.gen(function*() {
      let asked = 0
      const large = { ...up, message: bytes("x".repeat(16 * 1_048_576)) }
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () =>
          Effect.sync(() => {
            asked += 1
            return large
          })
      }, [check("flood")])
      yield* TestClock.adjust("10 minutes")

      // 4 MiB at once and 64 KiB a second hold 2 answers of 16 MiB, and the one that is too many.
      assert.strictEqual(asked, 3)
      assert.lengthOf(seen, 21)
      const refused = seen.filter(({ status }) => !status.available)
      assert.lengthOf(refused, 18)
      assert.include(textOf(nth(refused, 0).status), "more than 65536 bytes a second")
    }))

  it.effect("tell who has the inventory how far those that sweep it have come", () =>
    Effect.gen(function*() {
      const told: Array<string | undefined> = []
      const completion = {
        progress: "inProgress",
        completedAtSeconds: 0n,
        targetSequence: "1",
        targets: 8,
        targetsDone: 3,
        error: ""
      } as const
      const { seen } = yield* polling({
        ...healthy,
        getResults: () => Effect.succeed({ ...up, sequence: "1", hasNewData: true, completion }),
        streamResults: (check, sequence, deadline, given) => {
          told.push(given === undefined ? undefined : `${given.progress} ${given.targetsDone} of ${given.targets}`)
          return healthy.streamResults(check, sequence, deadline)
        }
      }, [resultsCheck("inventory-sync", "grpc"), resultsCheck("scan", "grpc", "10 minutes")])
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(told, [undefined])

      yield* Effect.forEach(seen, ({ settled }) => settled?.(true) ?? Effect.void)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(told, [undefined, "inProgress 3 of 8"])
    }))

  it.effect("fetch results again from the same place until core has them", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const { seen } = yield* polling({
        ...healthy,
        getResults: (_, lastSequence) =>
          Effect.sync(() => {
            asked.push(lastSequence)
            return { ...up, sequence: String(asked.length), hasNewData: true }
          })
      }, [resultsCheck("sysmon", "grpc")])
      yield* TestClock.adjust("5 minutes")
      assert.isAtLeast(asked.length, 5)
      assert.deepStrictEqual(new Set(asked), new Set([""]))

      yield* nth(seen, 0).settled?.(false) ?? Effect.void
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked.at(-1), "")

      yield* nth(seen, 1).settled?.(true) ?? Effect.void
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked.at(-1), "2")
      assert.strictEqual(nth(seen, 0).status.source, "results")
    }))

  it.effect("merge a streamed inventory and send it bare, as type sync", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        streamResults: () =>
          Stream.make(
            { data: bytes([{ ip: "1" }]), isFinal: false, sequence: "7", index: 0, total: 0 },
            { data: bytes([{ ip: "2" }]), isFinal: true, sequence: "7", index: 0, total: 0 }
          )
      }, [resultsCheck("armis-sync", "grpc")])

      assert.deepStrictEqual(seen.map(({ status }) => [status.serviceType, textOf(status)]), [
        ["sync", "[{\"ip\":\"1\"},{\"ip\":\"2\"}]"]
      ])
    }))

  it.effect("report neither a sweep without news nor results that an agent does not offer", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        getResults: () => Effect.fail(new AgentError({ agentId, reason: new Unsupported({ detail: "" }) })),
        streamResults: (_, lastSequence) =>
          Stream.make({
            data: bytes(lastSequence === "1" ? {} : { hosts: [1] }),
            isFinal: true,
            sequence: "1",
            index: 0,
            total: 0
          })
      }, [resultsCheck("network_sweep", "sweep"), resultsCheck("snmp", "snmp")])
      yield* nth(seen, 0).settled?.(true) ?? Effect.void
      yield* TestClock.adjust("5 minutes")

      assert.deepStrictEqual(seen.map(({ status }) => JSON.parse(textOf(status)).data.hosts), [[1]])
    }))

  it.effect("report that an agent serves no sweeps: results do not vanish without a word", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        streamResults: () => Stream.fail(new AgentError({ agentId, reason: new Unsupported({ detail: "no sweeps" }) }))
      }, [resultsCheck("network_sweep", "sweep")])

      assert.deepStrictEqual(seen.map(({ status }) => [status.available, JSON.parse(textOf(status)).data.error]), [
        [false, "GetResults failed: agent agent-1: Unsupported: no sweeps"]
      ])
    }))

  it.effect("report a stream that stalls, ends early or is no JSON", () =>
    Effect.gen(function*() {
      const { seen } = yield* polling({
        ...healthy,
        streamResults: ({ serviceName }) => {
          if (serviceName === "stalls-sync") return Stream.never
          const data = serviceName === "garbage-sync" ? new TextEncoder().encode("{") : bytes([])
          return Stream.make({ data, isFinal: serviceName === "garbage-sync", sequence: "1", index: 0, total: 0 })
        }
      }, ["early-sync", "garbage-sync", "stalls-sync"].map((name) => resultsCheck(name, "grpc", "10 minutes")))
      yield* TestClock.adjust("30 seconds")

      const errors = seen.map(({ status }) => [status.available, JSON.parse(textOf(status)).data.error])
      assert.deepStrictEqual(errors.map(([available]) => available), [false, false, false])
      assert.deepStrictEqual(
        errors.map(([, error]) => String(error).replace("GetResults failed: agent agent-1: Garbled: ", "")).toSorted(),
        ["a chunk of the results is not JSON", "no chunk within 30s", "no final chunk"]
      )
    }))

  it.effect("skip polls while the agent's circuit is open, and report its checks as unavailable with the reason", () =>
    Effect.gen(function*() {
      let asked = 0
      const refused = new AgentError({ agentId, reason: new Refused({ detail: "who are you" }) })
      const { seen } = yield* polling({
        ...healthy,
        getStatus: () =>
          Effect.suspend(() => {
            asked += 1
            return Effect.fail(refused)
          })
      }, [check("ssh")])
      yield* TestClock.adjust("100 seconds")

      assert.strictEqual(asked, 3)
      assert.deepStrictEqual(seen.map(({ atSeconds, status }) => [atSeconds, status.available]), [
        [0, false],
        [30, false],
        [60, false],
        [90, false]
      ])
      assert.include(textOf(nth(seen, 3).status), "NotAsked: its circuit is open after failures of security")
    }))
})
