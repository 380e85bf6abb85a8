/** A poller that becomes one of another configuration while it runs, under a clock of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Metric, Option, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import type { PollerConfig } from "../../../src/domain/poller/PollerConfig.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { AgentClient } from "../../../src/services/poller/AgentClient.ts"
import * as AgentSupervisor from "../../../src/services/poller/AgentSupervisor.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as Claims from "../../../src/services/poller/polls/Claims.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import * as Reconfiguration from "../../../src/services/poller/Reconfiguration.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { anyConfig } from "../../domain/poller/reload/configs.ts"
import { config } from "../../fixtures/fleet.ts"
import { secured } from "../../support/secured.ts"
import { agent, check } from "./statuses.ts"

const answer = { available: true, message: new Uint8Array(), responseTimeNanos: 0n, agentId: "" }

/** What was asked, of whom and where, and when. */
interface Asked {
  readonly what: string
  readonly atMillis: number
}

const world = (first: PollerConfig) => {
  const asked: Array<Asked> = []
  const connects: Array<string> = []
  const note = (what: string) =>
    Effect.map(Clock.currentTimeMillis, (atMillis) => {
      asked.push({ what, atMillis })
    })
  const clients = Layer.succeed(AgentClient, {
    connect: ({ address, agentId, security }) =>
      Effect.sync(() => {
        const certificate = security._tag === "Mtls" ? security.certFile : ""
        connects.push(agentId)
        const whole = (call: string, { details, serviceName, serviceType }: ReturnType<typeof check>) =>
          [call, agentId, address, certificate, serviceType, serviceName, details].join(" ")
        return {
          getStatus: (one) => Effect.as(note(whole("status", one)), answer),
          getResults: (one) => Effect.as(note(whole("results", one)), { ...answer, sequence: "1", hasNewData: true }),
          streamResults: () => Stream.never,
          probe: () => Effect.void,
          lost: new Gate()
        }
      })
  })
  const reporter = Layer.succeed(CoreReporter, {
    report: ({ settled }) => settled?.(true) ?? Effect.void,
    reconfigure: () => Effect.void,
    run: Effect.never,
    pending: Effect.succeed(0),
    trouble: Effect.succeedNone
  })
  const layer = Layer.mergeAll(clients, reporter, Fleet.layer(first), HostIdentity.layerStatic(""), secured)
  const run = Supervisor.run({ id: "Poller", strategy: "one_for_all", children: AgentSupervisor.children() })
  return { asked, connects, layer, run }
}

const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )

/** How often each thing is asked in four minutes of a poller that came to `last` by way of the others. */
const steady = (...[first, ...others]: readonly [PollerConfig, ...ReadonlyArray<PollerConfig>]) =>
  quiet(Effect.gen(function*() {
    const { asked, layer, run } = world(first)
    return yield* Effect.gen(function*() {
      yield* Effect.forkScoped(run, { startImmediately: true })
      yield* TestClock.adjust("7 seconds")
      for (const next of others) {
        yield* Reconfiguration.apply(next)
        yield* TestClock.adjust("61 seconds")
      }
      asked.length = 0
      yield* TestClock.adjust("4 minutes")
      const counts = new Map<string, number>()
      for (const { what } of asked) counts.set(what, (counts.get(what) ?? 0) + 1)
      return counts
    }).pipe(Effect.provide(layer))
  }))

const running = <A, E>(
  first: PollerConfig,
  then: (world: {
    readonly asked: Array<Asked>
    readonly connects: Array<string>
  }) => Effect.Effect<A, E, Fleet | CoreReporter>
) =>
  quiet(Effect.gen(function*() {
    const { asked, connects, layer, run } = world(first)
    return yield* Effect.gen(function*() {
      yield* Effect.forkScoped(run, { startImmediately: true })
      return yield* then({ asked, connects })
    }).pipe(Effect.provide(layer))
  }))

const seconds = (asked: ReadonlyArray<Asked>, what: string): ReadonlyArray<number> =>
  asked.filter((one) => one.what.includes(what)).map(({ atMillis }) => atMillis / 1_000)

const three = (poll: Duration.Input = "30 seconds") =>
  config(["a", "b", "c"].map((name) => agent(name, "agent:1", [check("ssh"), check("web")])), { pollInterval: poll })

const withAgent = (before: PollerConfig, name: string, change: Partial<PollerConfig["agents"][number]>) => ({
  ...before,
  agents: before.agents.map((one) => one.agentId === name ? { ...one, ...change } : one)
})

describe("A fleet whose configuration changes", () => {
  const named = (...names: ReadonlyArray<string>) => names.map((name) => agent(name, `${name}:1`, [check("ssh")]))

  it.effect("knows whose names nobody else may answer under, as its agents come and go", () =>
    Effect.gen(function*() {
      const agents = named("one", "two", "three")
      const fleet = yield* Fleet
      const claims = Effect.map(fleet.current, ({ links }) =>
        [...links].map(([agentId, link]) =>
          [agentId, Claims.isOthers(link, "two"), Claims.isOthers(link, "three")].join(" ")
        ))

      assert.deepStrictEqual(yield* claims, ["one true false", "two false false"])
      yield* fleet.replace(config(agents.slice(1), { pollInterval: "30 seconds" }))
      assert.deepStrictEqual(yield* claims, ["two false true", "three true false"])
    }).pipe(
      Effect.provide(Fleet.layer(config(named("one", "two"), { pollInterval: "30 seconds" })))
    ))

  it.effect(
    "polls as one that was started with the last configuration, whichever was first",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(anyConfig, anyConfig, anyConfig, async (first, second, last) => {
            const came = await Effect.runPromise(Effect.provide(steady(first, second, last), TestClock.layer()))
            const began = await Effect.runPromise(Effect.provide(steady(last), TestClock.layer()))
            assert.deepStrictEqual(new Map([...came].toSorted()), new Map([...began].toSorted()))
          }),
          { numRuns: 25 }
        )
      ),
    120_000
  )

  it.effect("keeps connections and timers of the agents that nothing new is said of", () =>
    running(three(), ({ asked, connects }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("40 seconds")
        yield* Reconfiguration.apply(withAgent(three(), "b", { address: "agent:2" }))
        yield* TestClock.adjust("80 seconds")

        assert.deepStrictEqual(connects, ["a", "b", "c", "b"])
        assert.deepStrictEqual(seconds(asked, "status a agent:1  port ssh"), [0, 30, 60, 90, 120])
        assert.deepStrictEqual(seconds(asked, "status c agent:1  port web"), [0, 30, 60, 90, 120])
        assert.deepStrictEqual(seconds(asked, "status b agent:1  port ssh"), [0, 30])
        assert.deepStrictEqual(seconds(asked, "status b agent:2  port ssh"), [40, 70, 100])
      })))

  it.effect("touches only the checks that are new, gone or other", () =>
    running(three(), ({ asked, connects }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("40 seconds")
        yield* Reconfiguration.apply(
          withAgent(three(), "b", { checks: [check("dns"), check("web"), check("ssh", { details: "192.0.2.9:22" })] })
        )
        yield* TestClock.adjust("50 seconds")

        assert.deepStrictEqual(connects, ["a", "b", "c"])
        assert.deepStrictEqual(seconds(asked, "status b agent:1  port web"), [0, 30, 60, 90])
        assert.deepStrictEqual(seconds(asked, "status b agent:1  port dns"), [40, 70])
        assert.deepStrictEqual(seconds(asked, "status b agent:1  port ssh 192.0.2.1"), [0, 30])
        assert.deepStrictEqual(seconds(asked, "status b agent:1  port ssh 192.0.2.9"), [40, 70])
      })))

  it.effect("goes on at the next tick of a new interval, without a poll at once and without a new connection", () =>
    running(three(), ({ asked, connects }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("40 seconds")
        yield* Reconfiguration.apply(three("10 seconds"))
        yield* TestClock.adjust("25 seconds")

        assert.deepStrictEqual(connects, ["a", "b", "c"])
        assert.deepStrictEqual(seconds(asked, "status a agent:1  port ssh"), [0, 30, 50, 60])
      })))

  it.effect("adds agents, removes them and gives them other certificates", () =>
    running(three(), ({ asked, connects }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("10 seconds")
        const certificates = { mode: "mtls", tls: { cert_file: "x.pem", key_file: "x.key", ca_file: "ca.pem" } }
        const next = withAgent(three(), "c", { security: SecurityConfig.fromBlock(certificates) })
        const changes = yield* Reconfiguration.apply({
          ...next,
          agents: [...next.agents.filter(({ agentId }) => agentId !== "a"), agent("d", "agent:4", [check("ssh")])]
        })
        yield* TestClock.adjust("20 seconds")

        assert.deepStrictEqual(changes.map(({ _tag }) => _tag), ["AgentRemoved", "SecurityChanged", "AgentAdded"])
        assert.deepStrictEqual(connects, ["a", "b", "c", "c", "d"].slice(0, 3).concat(connects.slice(3).toSorted()))
        assert.deepStrictEqual(connects.slice(3).toSorted(), ["c", "d"])
        assert.deepStrictEqual(seconds(asked, "status a "), [0, 0])
        assert.deepStrictEqual(seconds(asked, "status d "), [10])
        assert.deepStrictEqual(seconds(asked, "status c agent:1 x.pem port ssh"), [10])
        assert.deepStrictEqual((yield* Fleet.use(({ current }) => current)).links.size, 3)
      })))

  it.effect("forgets the sequence of results that are others, and no other", () =>
    running(
      config([agent("a", "agent:1", [
        check("scan", { resultsInterval: Option.some(Duration.seconds(30)) }),
        check("walk", { resultsInterval: Option.some(Duration.seconds(30)) })
      ])], { pollInterval: "30 seconds" }),
      () =>
        Effect.gen(function*() {
          yield* TestClock.adjust("10 seconds")
          const fleet = yield* Fleet
          const { config: before, links } = yield* fleet.current
          const [scan, walk] = links.get(before.agents[0]?.agentId ?? agent("", "", []).agentId)?.checks ?? []
          yield* Reconfiguration.apply(withAgent(before, "a", {
            checks: [
              check("walk", { resultsInterval: Option.some(Duration.seconds(30)) }),
              check("scan", { details: "other", resultsInterval: Option.some(Duration.seconds(30)) })
            ]
          }))
          const after = [...(yield* fleet.current).links.values()][0]?.checks ?? []

          assert.strictEqual(after[0], walk)
          assert.notStrictEqual(after[1], scan)
          assert.strictEqual(after[1]?.key, scan?.key)
        })
    ))
})
