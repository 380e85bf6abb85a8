import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Option, Ref, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as http2 from "node:http2"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import type { Availability } from "../../../src/domain/agent/Availability.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as Frames from "../../../src/layers/grpc/internal/Frames.ts"
import * as ServerLimits from "../../../src/layers/grpc/ServerLimits.ts"
import { GrpcCheckers } from "../../../src/layers/probes/GrpcCheckers.ts"
import * as ProbeTable from "../../../src/layers/probes/ProbeTable.ts"
import { CheckRunner } from "../../../src/services/agent/CheckRunner.ts"
import { SyncResults } from "../../../src/services/agent/SyncResults.ts"
import { eventually } from "../../support/Program.ts"
import { secured } from "../../support/secured.ts"
import { resultsChunk, statusResponse } from "../grpc/fixture.ts"

const config = AgentConfig.fromFile({ agent_id: "agent-1" })

const passesOn = Layer.provideMerge(
  Layer.effectDiscard(SyncResults.use(({ serve }) => serve)),
  SyncResults.layer({ turnsMax: 1, waitingMax: 1 })
)

const stopped = CheckRunner.layer().pipe(
  Layer.provide(ProbeTable.layer({ config, path: process.env["PATH"] })),
  Layer.provideMerge(GrpcCheckers.layer(config)),
  Layer.merge(passesOn),
  Layer.provide(secured)
)

const layer = Layer.effectDiscard(CheckRunner.use((runner) => runner.serve("Checkers"))).pipe(
  Layer.provideMerge(stopped)
)

const agentWith = (availability: Availability, limits = ServerLimits.defaults) =>
  Effect.gen(function*() {
    const server = yield* GrpcServer.make({
      limits,
      host: "127.0.0.1",
      port: 0,
      services: [AgentServiceHandlers.make({ agentId: "agent-1", availability })],
      health: { AgentService: "SERVING" }
    })
    return {
      port: server.port,
      address: server.address,
      client: yield* GrpcClient.make(AgentServiceService, { target: server.address })
    }
  })

const agent = agentWith("truthful")

/** An external checker such as sysmon: a real server that speaks `AgentService`. */
const checker = GrpcServer.make({
  host: "127.0.0.1",
  port: 0,
  services: [GrpcServer.service(AgentServiceService, {
    getStatus: (request) => Effect.succeed(statusResponse(request.serviceName, "{\"cpu\":1}")),
    getResults: (request) =>
      Effect.succeed({
        available: true,
        data: Buffer.from("[1]"),
        serviceName: request.serviceName,
        serviceType: "grpc",
        responseTime: 7n,
        agentId: "theirs",
        pollerId: request.pollerId,
        timestamp: 1n,
        currentSequence: "9",
        hasNewData: true,
        sweepCompletion: undefined
      }),
    streamResults: () => Stream.make(resultsChunk(0, 2), resultsChunk(1, 2))
  })]
})

/** One that has nothing but a stream of results. */
const streamingChecker = (chunks: Stream.Stream<ReturnType<typeof resultsChunk>>) =>
  GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    services: [GrpcServer.service(AgentServiceService, {
      getStatus: (request) => Effect.succeed(statusResponse(request.serviceName, "{}")),
      getResults: () => Effect.never,
      streamResults: () => chunks
    })]
  })

/** One whose second chunk comes when it is told to. */
const slowChecker = (more: Deferred.Deferred<void>) =>
  Effect.gen(function*() {
    const begun = yield* Ref.make(0)
    const server = yield* streamingChecker(
      Stream.unwrap(Effect.as(
        Ref.update(begun, (count) => count + 1),
        Stream.concat(
          Stream.make(resultsChunk(0, 2)),
          Stream.fromEffect(Effect.as(Deferred.await(more), resultsChunk(1, 2)))
        )
      ))
    )
    return { address: server.address, begun: Ref.get(begun) }
  })

const status = (serviceType: string, serviceName: string, details: string) => ({
  serviceType,
  serviceName,
  details,
  agentId: "asked",
  pollerId: "",
  port: 0
})

const results = (serviceType: string, details: string) => ({
  serviceType,
  serviceName: "sync",
  details,
  agentId: "",
  pollerId: "poller-1",
  lastSequence: "",
  completionStatus: undefined
})

describe("AgentServiceHandlers", () => {
  it.live("answers a check with its own id and the availability that was observed", () =>
    Effect.gen(function*() {
      const { client } = yield* agent

      const refused = yield* client.getStatus(status("port", "ssh", "127.0.0.1:1"))
      const wrong = yield* client.getStatus(status("port", "ssh", "quo\"ted"))
      const unknown = yield* client.getStatus(status("telepathy", "x", ""))

      assert.deepInclude(refused, { available: false, agentId: "agent-1", pollerId: "unknown-poller" })
      assert.containsAllKeys(JSON.parse(wrong.message.toString()), ["error"])
      assert.include(unknown.message.toString(), "Unknown service type")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("answers as the Go agent does where it is told to: available, with the error in the data", () =>
    Effect.gen(function*() {
      const { client } = yield* agentWith("go")

      const refused = yield* client.getStatus(status("port", "ssh", "127.0.0.1:1"))
      const wrong = yield* client.getStatus(status("port", "ssh", "quo\"ted"))

      assert.isTrue(refused.available)
      assert.deepStrictEqual(JSON.parse(refused.message.toString()), {
        error: "Port 1 is not accessible: connection refused"
      })
      assert.isFalse(wrong.available)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("says how long each kind of check took, also of one that failed or could not be made", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const asked = [
        ["port", "127.0.0.1:1"],
        ["icmp", "no-such-host.invalid"],
        ["tcp", "127.0.0.1:1"],
        ["udp", "{\"address\":\"127.0.0.1:1\",\"send\":\"x\"}"],
        ["dns", "a.test A @127.0.0.1:1"],
        ["http", "http://127.0.0.1:1/"],
        ["tls", "127.0.0.1:1"],
        ["process", "no-such-process"],
        ["exec", "no-such-program"],
        ["sysmon", ""],
        ["snmp", "no-such-target"],
        ["grpc", "127.0.0.1:1"],
        ["telepathy", ""]
      ] as const

      const answers = yield* Effect.forEach(asked, ([type, details]) => client.getStatus(status(type, "it", details)))

      assert.sameMembers([...Object.keys(ProbeTable.table), "telepathy"], asked.map(([type]) => type))
      for (const { message, responseTime } of answers) assert.isTrue(responseTime > 0n, message.toString())
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("asks external checkers: their details, or the standard health check", () =>
    Effect.gen(function*() {
      const { address, client } = yield* agent
      const external = yield* checker

      const sysmon = yield* client.getStatus(status("grpc", "sysmon", external.address))
      const other = yield* client.getStatus(status("grpc", "anything", address))
      const absent = yield* client.getStatus(status("grpc", "anything", "127.0.0.1:1"))
      const cached = yield* client.getStatus(status("grpc", "anything", "127.0.0.1:1"))

      assert.strictEqual(sysmon.message.toString(), "{\"cpu\":1}")
      assert.deepInclude(JSON.parse(other.message.toString()), { service: "anything", status: "SERVING", address })
      assert.include(absent.message.toString(), "Health check failed")
      assert.include(cached.message.toString(), "cached status")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("sends nothing of an external checker that costs an existing core its batch, and no time below 0", () =>
    Effect.gen(function*() {
      const odd = yield* GrpcServer.make({
        host: "127.0.0.1",
        port: 0,
        services: [GrpcServer.service(AgentServiceService, {
          getStatus: (request) =>
            Effect.succeed({
              ...statusResponse(request.serviceName, "{\"a\":\"\\u0000\\ud800\",\"b\":\"\\\\u0000\"}"),
              responseTime: -5n
            }),
          getResults: () => Effect.never,
          streamResults: () => Stream.never
        })]
      })
      const { client } = yield* agent

      const { message, responseTime } = yield* client.getStatus(status("grpc", "sysmon", odd.address))

      assert.deepStrictEqual(JSON.parse(message.toString()), { a: "\ufffd\ufffd", b: "\\u0000" })
      assert.isTrue(responseTime > 0n)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("passes results of external checkers through and knows none of other types", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const external = yield* checker

      const passed = yield* client.getResults(results("grpc", external.address))
      const chunks = yield* Stream.runCollect(client.streamResults(results("grpc", external.address)))
      const other = yield* Effect.flip(client.getResults(results("port", "")))
      const stream = yield* Effect.flip(Stream.runCollect(client.streamResults(results("icmp", ""))))

      assert.deepInclude(passed, { agentId: "theirs", currentSequence: "9", hasNewData: true })
      assert.deepStrictEqual(chunks.map((chunk) => chunk.isFinal), [false, true])
      assert.deepStrictEqual([other._tag, stream._tag], ["Unimplemented", "Unimplemented"])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("passes results on a few at a time: others wait for their turn, and those beyond are told to come later", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const more = yield* Deferred.make<void>()
      const slow = yield* slowChecker(more)
      const stream = Effect.result(Stream.runCollect(client.streamResults(results("grpc", slow.address))))

      const first = yield* Effect.forkChild(stream)
      yield* eventually(
        "the first is under way",
        Effect.map(slow.begun, (begun) => begun > 0 ? Option.some(begun) : Option.none()),
        { within: "5 seconds" }
      )
      const [second, third] = [yield* Effect.forkChild(stream), yield* Effect.forkChild(stream)]
      const refused = yield* Effect.raceFirst(Fiber.join(second), Fiber.join(third))
      const begunMeanwhile = yield* slow.begun
      yield* Deferred.succeed(more, undefined)
      const all = [yield* Fiber.join(first), yield* Fiber.join(second), yield* Fiber.join(third)]

      assert.isTrue(Result.isFailure(refused) && refused.failure._tag === "ResourceExhausted")
      assert.strictEqual(begunMeanwhile, 1)
      assert.deepStrictEqual(all.flatMap((one) => Result.isSuccess(one) ? [one.success.length] : []), [2, 2])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("ends results of a checker that falls silent, and gives its turn to the next", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const silent = yield* slowChecker(yield* Deferred.make<void>())
      const external = yield* checker
      const chunks = yield* Ref.make(0)

      const first = yield* Effect.forkChild(Effect.flip(Stream.runForEach(
        client.streamResults(results("grpc", silent.address)),
        () => Ref.update(chunks, (count) => count + 1)
      )))
      const turn = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      while ((yield* Ref.get(chunks)) === 0) yield* turn
      const waiting = yield* Effect.forkChild(
        Stream.runCollect(client.streamResults(results("grpc", external.address)))
      )
      // Its minute begins when the agent asks for the second chunk, some turns of the network later.
      let minutes = 0
      while (first.pollUnsafe() === undefined && minutes < 1_000) {
        minutes += 1
        yield* TestClock.adjust("1 minute")
        yield* turn
      }
      const error = yield* Fiber.join(first)
      const next = yield* Fiber.join(waiting)

      assert.strictEqual(error._tag, "Internal")
      assert.include(error.message, "the checker has said nothing for 1m")
      assert.strictEqual(yield* Ref.get(chunks), 1)
      assert.strictEqual(next.length, 2)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live(
    "takes no more of a checker than a poller reads, and ends one that reads nothing",
    () =>
      Effect.gen(function*() {
        const { client, port } = yield* agentWith("truthful", {
          ...ServerLimits.defaults,
          reader: Duration.seconds(2)
        })
        let made = 0
        const size = 1_000_000
        const large = yield* streamingChecker(
          Stream.map(Stream.range(0, 99, 1), (index) => {
            made += 1
            return resultsChunk(index, 100, Buffer.alloc(size))
          })
        )
        const external = yield* checker

        // Has the only turn, and reads nothing.
        const stalled = yield* Effect.acquireRelease(
          Effect.sync(() => http2.connect(`http://127.0.0.1:${port}`)),
          (session) => Effect.sync(() => session.destroy())
        )
        const stream = stalled.request({
          ":method": "POST",
          ":path": AgentServiceService.streamResults.path,
          "content-type": "application/grpc",
          te: "trailers"
        })
        stream.on("error", () => {}).pause()
        const request = AgentServiceService.streamResults.requestSerialize(results("grpc", large.address))
        stream.end(Frames.encode(request, false))
        const ended = Effect.callback<number | undefined>((resume) => {
          stream.once("close", () => resume(Effect.succeed(stream.rstCode)))
        })
        const isBegun = Effect.sync(() => Option.liftPredicate(made, (count) => count > 0))
        yield* eventually("the stream is under way", isBegun, { within: "10 seconds" })
        const waiting = yield* Effect.forkChild(
          Stream.runCollect(client.streamResults(results("grpc", external.address)))
        )

        assert.strictEqual(yield* Effect.timeout(ended, "20 seconds"), http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
        // Two here, and what is in between: one that the checker writes, and one more that it has made by then.
        assert.isAtMost(made, 7)
        assert.lengthOf(yield* Fiber.join(waiting), 2)
      }).pipe(Effect.scoped, Effect.provide(layer)),
    60_000
  )

  it.live("leaves an external checker alone that cannot be reached, and no other", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const external = yield* checker
      const refused = Effect.flip(Stream.runCollect(client.streamResults(results("grpc", "127.0.0.1:1"))))

      const first = yield* Effect.forEach([1, 2, 3], () => refused)
      const fourth = yield* refused
      const inside = yield* client.getResults(results("grpc", "127.0.0.1:1"))
      const other = yield* client.getResults(results("grpc", external.address))

      assert.deepStrictEqual([...first, fourth].map(({ _tag }) => _tag), [
        "Internal",
        "Internal",
        "Internal",
        "Internal"
      ])
      for (const { detail } of first) assert.match(detail, /ECONNREFUSED|refused/)
      assert.notMatch(fourth.detail, /ECONNREFUSED|refused/)
      assert.isFalse(inside.available)
      assert.match(JSON.parse(inside.data.toString()).error, /[Cc]ircuit/)
      assert.isTrue(other.available)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("answers garbage with a document that says what was expected, and goes on", () =>
    Effect.gen(function*() {
      const { client } = yield* agent
      const garbage = ["\0", "a\0b:22", "😀:22", "\u202e:1", "'; drop table", "x".repeat(3_000_000), "[".repeat(8000)]
      const types = ["port", "process", "icmp", "http", "grpc"]

      const answers = yield* Effect.forEach(
        types.flatMap((type) => garbage.map((details) => status(type, "g", details))),
        (request) => client.getStatus(request),
        { concurrency: 8 }
      )
      const after = yield* client.getStatus(status("sysmon", "sysmon", ""))

      for (const { available, message } of answers) {
        assert.isFalse(available)
        // A face is a name as good as any (IDNA), only nobody bears it: it is looked up.
        assert.match(JSON.parse(message.toString()).error, /expected|no such host|xn--|Health check failed/)
        assert.isBelow(message.length, 50_000)
      }
      assert.isTrue(after.available)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("refuses a request above the message limit, and goes on", () =>
    Effect.gen(function*() {
      const { client } = yield* agent

      const error = yield* Effect.flip(client.getStatus(status("port", "ssh", "x".repeat(10_000_000))))
      const after = yield* client.getStatus(status("port", "ssh", "127.0.0.1:1"))

      assert.strictEqual(error._tag, "ResourceExhausted")
      assert.isFalse(after.available)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("tells that its checkers are not running", () =>
    Effect.gen(function*() {
      const { client } = yield* agent

      const error = yield* Effect.flip(client.getStatus(status("port", "ssh", "127.0.0.1:1")))

      assert.strictEqual(error._tag, "Unavailable")
    }).pipe(Effect.scoped, Effect.provide(stopped)))
})
