import { assert, describe, it } from "@effect/vitest"
import { Console, DateTime, Duration, Effect, Fiber, Option, Schedule, Schema } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as http from "node:http"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import { ServiceState } from "../../../../src/domain/monitoring/reports/ServiceState.ts"
import * as PollerConfig from "../../../../src/domain/poller/PollerConfig.ts"
import * as StatusWatch from "../../../../src/programs/up/screen/StatusWatch.ts"
import { agent, check } from "../../../services/poller/statuses.ts"

const stateAt = (reportedAt: DateTime.Utc): ServiceState => ({
  partition: Partition.make("default"),
  agentId: AgentId.make("agent-1"),
  serviceType: ServiceType.make("port"),
  serviceName: ServiceName.make("ssh"),
  pollerId: PollerId.make("poller-1"),
  sourceIp: "127.0.0.1",
  available: true,
  responseTimeNanos: 1_000_000,
  message: "{}",
  source: "getStatus",
  kvStoreId: "",
  reportedAt,
  lastChangeAt: reportedAt,
  firstSeenAt: reportedAt
})

const config: PollerConfig.PollerConfig = {
  ...PollerConfig.fromFile({
    poller_id: PollerId.make("poller-1"),
    core_address: "127.0.0.1:1",
    agents: { "agent-1": { address: "127.0.0.1:1" } }
  }),
  pollInterval: Duration.millis(100),
  agents: [agent("agent-1", "127.0.0.1:1", [check("ssh")])]
}

/** Answers with one status of the time of its start, as long as the scope is open. */
const oldNews = Effect.gen(function*() {
  const encode = Schema.encodeSync(Schema.toCodecJson(ServiceState))
  const body = JSON.stringify({ services: [encode(stateAt(yield* DateTime.now))] })
  const server = http.createServer((_, response) =>
    void response.setHeader("content-type", "application/json").end(body)
  )
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))),
    () => Effect.sync(() => void server.close().closeAllConnections())
  )
  const address = server.address()
  return { server, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` }
})

/** The lines that are printed until `count` of them are. */
const linesOf = Effect.fnUntraced(function*(httpUrl: string, count: number, onFirst: () => void) {
  const lines: Array<string> = []
  const recording = Object.assign(Object.create(console), { log: (line: string) => void lines.push(line) })
  const fiber = yield* StatusWatch.jsonLines({ httpUrl, config, since: Effect.succeed(0) }).pipe(
    Effect.provideService(Console.Console, recording),
    Effect.provide(FetchHttpClient.layer),
    Effect.forkChild
  )
  const until = (wanted: number) =>
    Effect.suspend(() => lines.length >= wanted ? Effect.succeedSome(lines) : Effect.succeedNone).pipe(
      Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("50 millis") }),
      Effect.timeout("15 seconds")
    )
  yield* until(1)
  onFirst()
  yield* until(count)
  yield* Fiber.interrupt(fiber)
  return lines.map((line): unknown => JSON.parse(line))
})

describe("StatusWatch.jsonLines", () => {
  it.live("says that a service is stale, as the screen does, once its last status is too old", () =>
    Effect.gen(function*() {
      const { url } = yield* oldNews
      const [first, second] = yield* linesOf(url, 2, () => {})

      assert.deepInclude(first, { serviceName: "ssh", available: true, stale: false })
      assert.deepInclude(second, { serviceName: "ssh", available: true, stale: true })
    }))

  it.live("says so too while core does not answer any more", () =>
    Effect.gen(function*() {
      const { server, url } = yield* oldNews
      const lines = yield* linesOf(url, 2, () => void server.close().closeAllConnections())

      assert.deepInclude(lines[1], { serviceName: "ssh", stale: true })
    }))
})
