import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Metric, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import type { AgentId } from "../../../src/domain/monitoring/Ids.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import {
  AgentClient,
  type AgentConnection,
  AgentError,
  Garbled,
  Unreachable
} from "../../../src/services/poller/AgentClient.ts"
import * as MemoryStatusBuffer from "../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { CoreClient } from "../../../src/services/poller/CoreClient.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { agentName, config, type Kind, kindOf, kinds } from "../../fixtures/fleet.ts"
import { bounded } from "../../services/poller/bounded.ts"
import { agent, check, poller } from "../../services/poller/statuses.ts"
import { secured } from "../../support/secured.ts"

const perKind = 50
/** `npm run test:fast` is for every change: it is content with fewer. */
const cycles = process.env["TEST_FAST"] === undefined ? 500 : 150
const warmUpCycles = 50
const pollIntervalMillis = 2_000
/** Some 70 bytes a poll; other files of the same process forget things, or do not, meanwhile. */
const heapGrowthMax = 6 * 1_048_576

v8.setFlagsFromString("--expose-gc")
const collectGarbage: unknown = vm.runInNewContext("gc")

const heapUsed = Effect.sync(() => {
  if (typeof collectGarbage === "function") collectGarbage()
  return process.memoryUsage().heapUsed
})

const message = new TextEncoder().encode("{\"ok\":true}")

const connectionOf = (kind: Kind, agentId: AgentId, onPolled: Effect.Effect<void>): AgentConnection => {
  const failing = (reason: AgentError["reason"]) => Effect.fail(new AgentError({ agentId, reason }))
  const answers: Record<Kind, Effect.Effect<void, AgentError>> = {
    healthy: Effect.sleep("5 millis"),
    refusing: failing(new Unreachable({ detail: "connection refused" })),
    hanging: Effect.never,
    garbage: failing(new Garbled({ detail: "not a message" }))
  }
  const answer = answers[kind]
  return bounded(agentId, {
    getStatus: () =>
      Effect.andThen(onPolled, answer).pipe(
        Effect.as({ available: true, message, responseTimeNanos: 5_000_000n, agentId: "" })
      ),
    getResults: () => Effect.never,
    streamResults: () => Stream.never,
    probe: () => answer,
    lost: new Gate()
  })
}

const agents = kinds.flatMap((kind) =>
  Array.from({ length: perKind }, (_, index) => agent(agentName(kind, index), "agent:1", [check("ssh")]))
)

describe("A fleet of 200 agents, of which 50 are healthy", () => {
  it.effect("is polled on time for hundreds of cycles in constant memory", () =>
    Effect.gen(function*() {
      const polledLate: Array<number> = []
      const counts = { polled: 0, available: 0, unavailable: 0, misjudged: 0 }
      const onPolled = Effect.map(Clock.currentTimeMillis, (now) => {
        counts.polled += 1
        if (now % pollIntervalMillis !== 0) polledLate.push(now)
      })
      const agentClient = Layer.succeed(AgentClient, {
        connect: ({ agentId }) => {
          const kind = kindOf(agentId)
          return Effect.succeed(connectionOf(kind, agentId, kind === "healthy" ? onPolled : Effect.void))
        }
      })
      const coreClient = Layer.succeed(CoreClient, {
        report: (_, statuses) =>
          Effect.sync(() => {
            for (const one of statuses) {
              if (one.available) counts.available += 1
              else counts.unavailable += 1
              if (one.available !== (kindOf(one.agentId) === "healthy")) counts.misjudged += 1
            }
            return { takesParts: true }
          }),
        stream: () => Effect.succeed({ takesParts: true }),
        losses: Effect.succeed(0),
        takesParts: Effect.succeed(true)
      })
      const reporter = CoreReporter.layer({ poller, pollInterval: Duration.minutes(1), expected: new Map() }).pipe(
        Layer.provideMerge(MemoryStatusBuffer.layer()),
        Layer.provide(coreClient)
      )
      const poll = config(agents, { pollInterval: pollIntervalMillis })
      yield* Supervisor.run(PollerProgram.tree(poll)).pipe(
        Effect.provide(reporter.pipe(
          Layer.merge(agentClient),
          Layer.merge(secured),
          Layer.merge(SupervisionTree.layer),
          Layer.merge(Management.layer),
          Layer.merge(Fleet.layer(poll)),
          Layer.provideMerge(HostIdentity.layerStatic("192.0.2.1"))
        )),
        Effect.forkScoped({ startImmediately: true })
      )

      yield* TestClock.adjust(0)
      for (let cycle = 0; cycle < warmUpCycles; cycle++) yield* TestClock.adjust(pollIntervalMillis)
      const before = yield* heapUsed
      for (let cycle = warmUpCycles; cycle < cycles; cycle++) yield* TestClock.adjust(pollIntervalMillis)
      const growth = (yield* heapUsed) - before

      assert.deepStrictEqual(polledLate, [])
      assert.strictEqual(counts.polled, perKind * (cycles + 1))
      assert.strictEqual(counts.misjudged, 0)
      assert.isAtLeast(counts.available, perKind * (cycles - 3))
      assert.isAtLeast(counts.unavailable, 3 * perKind * (cycles - 3))
      yield* Effect.logInfo(`the heap grew by ${(growth / 1024).toFixed(0)} KiB`)
      assert.isBelow(growth, heapGrowthMax)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())), 240_000)
})
