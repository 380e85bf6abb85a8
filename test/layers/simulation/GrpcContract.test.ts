/** The same calls over this machine's network and over a simulated one have the same answers. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, type Scope, Stream } from "effect"
import { AgentServiceService, PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import { GrpcCarrier } from "../../../src/layers/grpc/carrier/GrpcCarrier.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { NotFound, ResourceExhausted } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as SimulatedGrpc from "../../../src/layers/simulation/SimulatedGrpc.ts"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"
import * as Histories from "../../services/simulation/contracts/Histories.ts"
import {
  agentService,
  coreService,
  resultsChunk,
  resultsRequest,
  statusChunk,
  statusRequest,
  statusResponse
} from "../grpc/fixture.ts"

interface Peers {
  /** A port nobody listens on. */
  readonly nobody: string
  readonly target: string
  readonly interrupted: Deferred.Deferred<void>
}

const service = (interrupted: Deferred.Deferred<void>) =>
  agentService({
    getStatus: (request, call) => {
      switch (request.serviceName) {
        case "missing":
          return Effect.fail(new NotFound({ detail: "no such check", trailers: { why: ["rules"] } }))
        case "dies":
          return Effect.die(new Error("a bug"))
        case "hangs":
          return Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
        case "says more":
          return Effect.as(call.sendHeaders({ "x-more": "yes" }), statusResponse("more"))
        default:
          return Effect.succeed(statusResponse(request.serviceName, request.details))
      }
    },
    streamResults: (details) => {
      const count = Number(details)
      const chunks = Stream.range(0, count - 1).pipe(
        Stream.map((at) => resultsChunk(at, count + 1, Buffer.alloc(20_000)))
      )
      return count === 3 ? Stream.concat(chunks, Stream.fail(new ResourceExhausted({ detail: "enough" }))) : chunks
    }
  })

const counting = coreService((chunks) => Effect.map(Stream.runCount(chunks), (count) => ({ received: count === 40 })))

const outcome = <A, R>(effect: Effect.Effect<A, { readonly _tag: string; readonly detail: string }, R>) =>
  Effect.match(effect, {
    onFailure: ({ _tag, detail }) => `${_tag}: ${_tag === "Unavailable" || _tag === "DeadlineExceeded" ? "" : detail}`,
    onSuccess: (value) => JSON.stringify(value, (_, one: unknown) => typeof one === "bigint" ? `${one}` : one)
  })

const calls = Effect.fnUntraced(function*({ interrupted, nobody, target }: Peers) {
  const agent = yield* GrpcClient.make(AgentServiceService, { target })
  const core = yield* GrpcClient.make(PollerServiceService, { target })
  const absent = yield* GrpcClient.make(AgentServiceService, { target: nobody })
  let header: unknown
  const stream = (details: string) =>
    Stream.runFold(agent.streamResults(resultsRequest(details)), () => 0, (sum, { data }) => sum + data.length)
  const cancelled = Effect.gen(function*() {
    const call = yield* Effect.forkChild(agent.getStatus(statusRequest("hangs")), { startImmediately: true })
    yield* Effect.sleep("200 millis")
    yield* Fiber.interrupt(call)
    yield* Deferred.await(interrupted).pipe(Effect.timeout("5 seconds"), Effect.orDie)
    return "the handler was interrupted"
  })
  return {
    answer: yield* outcome(agent.getStatus({ ...statusRequest("fine"), details: "x".repeat(100_000) })),
    missing: yield* outcome(agent.getStatus(statusRequest("missing"))),
    dies: yield* outcome(agent.getStatus(statusRequest("dies"))),
    deadline: yield* outcome(agent.getStatus(statusRequest("hangs"), { deadline: "300 millis" })),
    cancelled: yield* cancelled,
    headers: yield* outcome(
      Effect.map(
        agent.getStatus(statusRequest("says more"), {
          onHeaders: (headers) => {
            header = headers["x-more"]
          }
        }),
        () => header
      )
    ),
    unimplemented: yield* outcome(agent.getResults(resultsRequest(""))),
    streamed: yield* outcome(stream("60")),
    streamFails: yield* outcome(stream("3")),
    firstOfMany: yield* outcome(
      Effect.map(Stream.runCollect(Stream.take(agent.streamResults(resultsRequest("500")), 2)), (all) => all.length)
    ),
    sent: yield* outcome(core.streamStatus(Stream.map(Stream.range(0, 39), (at) => statusChunk(at)))),
    absent: yield* outcome(absent.getStatus(statusRequest("fine")))
  }
})

type Answers = Effect.Success<ReturnType<typeof calls>>

const server = (interrupted: Deferred.Deferred<void>, host: string, port: number) =>
  GrpcServer.make({ host, port, services: [service(interrupted), counting], grace: "100 millis" })

const kinds = ["unary", "missing", "dies", "deadline", "stream", "streamFails", "take", "send"] as const

const historyOf = (seed: number) =>
  Histories.draw(Histories.randomOf("grpc", seed), 3, 10, (random) => ({
    kind: Histories.pick(random, kinds.map((kind) => [kind === "deadline" ? 0.3 : 1, kind])),
    count: random.between(1, 80),
    size: random.chance(0.2) ? random.between(0, 200_000) : random.between(0, 2_000)
  }))

/** What came of each call. */
const led = Effect.fnUntraced(function*(target: string, history: ReturnType<typeof historyOf>) {
  const agent = yield* GrpcClient.make(AgentServiceService, { target })
  const core = yield* GrpcClient.make(PollerServiceService, { target })
  const summed = (details: string) =>
    Stream.runFold(agent.streamResults(resultsRequest(details)), () => 0, (sum, { data }) => sum + data.length)
  return yield* Effect.forEach(history, ({ count, kind, size }) => {
    switch (kind) {
      case "unary":
        return outcome(agent.getStatus({ ...statusRequest(`fine ${count}`), details: "x".repeat(size) }))
      case "missing":
      case "dies":
        return outcome(agent.getStatus(statusRequest(kind)))
      case "deadline":
        return outcome(agent.getStatus(statusRequest("hangs"), { deadline: "60 millis" }))
      case "stream":
        return outcome(summed(`${count + 3}`))
      case "streamFails":
        return outcome(summed("3"))
      case "take":
        return outcome(
          Effect.map(
            Stream.runCollect(Stream.take(agent.streamResults(resultsRequest(`${count + 4}`)), 1 + count % 4)),
            (all) => all.length
          )
        )
      case "send":
        return outcome(
          core.streamStatus(
            Stream.map(Stream.range(0, count - 1), (at) => statusChunk(at, "x".repeat(size)))
          )
        )
    }
  })
})

const really: Effect.Effect<Answers, GrpcServer.BindError, Scope.Scope> = Effect.gen(function*() {
  const interrupted = yield* Deferred.make<void>()
  const { address } = yield* server(interrupted, "127.0.0.1", 0)
  return yield* calls({ interrupted, target: address, nobody: "127.0.0.1:1" })
})

const simulated = (seed: number): Answers | undefined => inWorld(seed, calls)

/** What a client answers that asks a server over a network that is slow and loses something. */
const inWorld = <A, E>(
  seed: number,
  client: (peers: Peers) => Effect.Effect<A, E, Scope.Scope>
): A | undefined => {
  const world = new World({ seed })
  const network = new Network(world, { ...Link.lan, lossRate: 0.02, jitterMillis: 5 })
  const interrupted = Deferred.makeUnsafe<void>()
  let answers: A | undefined
  const host = (name: string, program: Effect.Effect<unknown, unknown, Scope.Scope>) =>
    world.addHost(name, {
      restartAfterMillis: 1e9,
      program: () =>
        Effect.provideService(
          Effect.andThen(Effect.scoped(program), Effect.never),
          GrpcCarrier,
          SimulatedGrpc.carrier(network)
        )
    }).start()
  host("server", Effect.andThen(server(interrupted, "0.0.0.0", 50_051), Effect.never))
  host(
    "client",
    Effect.gen(function*() {
      yield* Effect.sleep("1 second")
      answers = yield* client({ interrupted, target: "server:50051", nobody: "server:1" })
    })
  )
  world.runUntil(120_000)
  return answers
}

describe("gRPC", () => {
  it.live("answers over a simulated network as it does over this machine's", () =>
    Effect.gen(function*() {
      const real = yield* Effect.exit(really)
      assert.isTrue(Exit.isSuccess(real))
      if (Exit.isFailure(real)) return
      for (const seed of [1, 2, 3]) assert.deepStrictEqual(simulated(seed), real.value)
    }))

  it.live("answers so to any history of calls", () =>
    Effect.gen(function*() {
      const { address } = yield* server(yield* Deferred.make<void>(), "127.0.0.1", 0)
      for (const seed of Histories.seeds) {
        const history = historyOf(seed)
        const real = yield* Effect.scoped(led(address, history))

        assert.deepStrictEqual(inWorld(seed, ({ target }) => led(target, history)), real, `seed ${seed}`)
      }
    }).pipe(Effect.scoped), Histories.timeoutMillis)
})
