import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Logger, Metric } from "effect"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import * as NatsAnnouncements from "../../../../src/layers/poller/discovery/NatsAnnouncements.ts"
import { Arrivals } from "../../../../src/services/poller/discovery/Arrivals.ts"
import * as PollerMetrics from "../../../../src/services/poller/PollerMetrics.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

const subject = "agents.announce"

const present = Effect.flatMap(
  Arrivals,
  ({ current }) =>
    Effect.map(current, ({ arrivals }) => arrivals.map(({ address, agentId, source }) => [agentId, address, source]))
)

const refusedFor = (reason: string) =>
  Effect.map(
    Metric.value(Metric.withAttributes(PollerMetrics.refusedAgents, { source: "nats", reason })),
    ({ count }) => count
  )

const isPresent = (count: number) => natsClient.eventually(present, ({ length }) => length === count)

describe("Agents that announce themselves on NATS", () => {
  it.live("may leave out what their checks have none of; what is not taken is counted and told, a few times a minute", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      const told: Array<string> = []
      const logger = Logger.make(({ message }) => void told.push(String(message)))
      yield* Effect.gen(function*() {
        const { nc } = yield* natsClient.ready(yield* NatsConnection)
        const say = (message: unknown) => Effect.sync(() => nc.publish(subject, JSON.stringify(message)))
        yield* Effect.forkScoped(NatsAnnouncements.listen({ subject, lease: Duration.minutes(1) }))
        const checks = [{ serviceType: "process", serviceName: "sshd" }]
        yield* natsClient.eventually(
          Effect.andThen(say({ agent_id: "brief", address: "127.0.0.1:50051", checks }), present),
          ({ length }) => length === 1
        )
        const { arrivals } = yield* Arrivals.use(({ current }) => current)
        assert.deepStrictEqual(
          arrivals[0]?.checks.map(({ details, port, serviceName }) => ({ details, port, name: String(serviceName) })),
          [{ details: "", port: 0, name: "sshd" }]
        )

        const unreadable = yield* refusedFor("unreadable")
        const configured = yield* refusedFor("configured")
        told.length = 0
        for (let at = 0; at < 30; at++) yield* say({ agent_id: `a\n${at}`, address: "127.0.0.1:1" })
        yield* say({ agent_id: "of-the-file", address: "127.0.0.1:50052" })
        yield* natsClient.eventually(refusedFor("configured"), (count) => count === configured + 1)
        assert.strictEqual(yield* refusedFor("unreadable"), unreadable + 30)
        const lines = told.filter((line) => line.includes("not taken"))
        assert.lengthOf(lines, 10)
        assert.include(lines[0], "a name without control characters")
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.mergeAll(
          natsClient.layer(server.url),
          Arrivals.layer({ isConfigured: (agentId) => agentId === "of-the-file", agentsMax: () => 10 }),
          Logger.layer([logger])
        ))
      )
    }))

  it.live("come and go by what is said there; what is no announcement, or names one of the file, changes nothing", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        const { nc } = yield* natsClient.ready(yield* NatsConnection)
        const say = (message: unknown) =>
          Effect.sync(() => nc.publish(subject, typeof message === "string" ? message : JSON.stringify(message)))
        yield* Effect.forkScoped(NatsAnnouncements.listen({ subject, lease: Duration.minutes(1) }))
        // Nobody hears what is said before the subscription is there.
        yield* natsClient.eventually(
          Effect.andThen(say({ agent_id: "first", address: "127.0.0.1:50051" }), present),
          ({ length }) => length === 1
        )
        yield* say("no JSON")
        yield* say({ agent_id: "nowhere", address: ":50051" })
        yield* say({ agent_id: "a\nb", address: "127.0.0.1:1" })
        yield* say({ agent_id: "of-the-file", address: "127.0.0.1:50052" })
        yield* say(JSON.stringify({ agent_id: "large", address: "127.0.0.1:50053", version: "x".repeat(70_000) }))
        yield* say({ agent_id: "second", address: "[::1]:50054" })
        const both = yield* isPresent(2)
        yield* say({ agent_id: "first", address: "127.0.0.1:50051", leaving: true })

        assert.deepStrictEqual(both, [["first", "127.0.0.1:50051", "nats"], ["second", "[::1]:50054", "nats"]])
        assert.deepStrictEqual(yield* isPresent(1), [["second", "[::1]:50054", "nats"]])
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.merge(
          natsClient.layer(server.url),
          Arrivals.layer({ isConfigured: (agentId) => agentId === "of-the-file", agentsMax: () => 10 })
        ))
      )
    }))
})
