/** Calls without a fiber keep what calls with one promise. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Option, Scope, Stream } from "effect"
import * as zlib from "node:zlib"
import {
  AgentServiceService,
  StatusRequest,
  type StatusResponse
} from "../../../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../../../src/layers/grpc/GrpcClient.ts"
import { type GrpcError, NotFound } from "../../../../../src/layers/grpc/GrpcError.ts"
import * as GrpcServer from "../../../../../src/layers/grpc/GrpcServer.ts"
import { eventually } from "../../../../support/Program.ts"
import { ask, frame, serveOn, statusRequest, statusResponse } from "../../fixture.ts"

type Told = (response: Exit.Exit<StatusResponse, GrpcError>) => void

interface Seen {
  begun: number
  stopped: number
}

/** Does what the name of the service says. */
const answer = (seen: Seen) => ({ serviceName }: StatusRequest, told: Told): () => void => {
  seen.begun += 1
  const response = Exit.succeed(statusResponse(serviceName))
  switch (serviceName) {
    case "later":
      setImmediate(told, response)
      break
    case "twice":
      told(response)
      told(Exit.fail(new NotFound({ detail: "too late" })))
      break
    case "fails":
      told(Exit.fail(new NotFound({ detail: "no such thing" })))
      break
    case "dies":
      told(Exit.die(new Error("the secret cause")))
      break
    case "throws":
      throw new Error("the secret cause")
    case "large":
      told(Exit.succeed(statusResponse(serviceName, "x".repeat(5_000_000))))
      break
    case "hangs":
      break
    default:
      told(response)
  }
  return () => {
    seen.stopped += 1
  }
}

const service = (seen: Seen) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: GrpcServer.direct<StatusRequest, StatusResponse, never>(() => answer(seen)),
    getResults: () => Effect.never,
    streamResults: () => Stream.never
  })

const setUp = (interceptors: ReadonlyArray<GrpcServer.ServerInterceptor> = []) =>
  Effect.gen(function*() {
    const seen: Seen = { begun: 0, stopped: 0 }
    const server = yield* serveOn(0, { interceptors }, service(seen))
    const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })
    return { seen, server, client }
  })

const logged = (messages: Array<string>) =>
  Logger.layer([Logger.make(({ cause, message }) => {
    messages.push(`${String(message)} ${cause}`)
  })])

const holds = (what: string, found: () => boolean) =>
  eventually(what, Effect.sync(() => Option.liftPredicate(true, found)), { within: "5 seconds" })

const path = AgentServiceService.getStatus.path
const request = (serviceName: string) => Buffer.from(StatusRequest.encode(statusRequest(serviceName)).finish())

describe("A call without a fiber", () => {
  it.live("is answered at once or later, and once", () =>
    Effect.gen(function*() {
      const { client, seen } = yield* setUp()

      const answers = yield* Effect.forEach(
        ["at once", "later", "twice", "later"],
        (name) => client.getStatus(statusRequest(name)),
        { concurrency: 4 }
      )

      assert.deepStrictEqual(answers.map(({ serviceName }) => serviceName), ["at once", "later", "twice", "later"])
      assert.deepStrictEqual(seen, { begun: 4, stopped: 0 })
    }))

  it.live("ends with the failure of its handler, and with Unknown where that has a bug, which is logged", () =>
    Effect.gen(function*() {
      const messages: Array<string> = []
      const { client } = yield* Effect.provide(setUp(), logged(messages))

      const errors = yield* Effect.forEach(
        ["fails", "dies", "throws", "large"],
        (name) => Effect.flip(client.getStatus(statusRequest(name)))
      )
      const after = yield* client.getStatus(statusRequest("after"))

      assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["NotFound", "Unknown", "Unknown", "ResourceExhausted"])
      assert.strictEqual(messages.filter((text) => text.includes("the secret cause")).length, 2, messages.join("\n"))
      assert.strictEqual(after.serviceName, "after")
    }))

  it.live("ends when the client cancels and at its deadline, and whoever works for it is told to stop", () =>
    Effect.gen(function*() {
      const { client, seen } = yield* setUp()

      const cancelled = yield* Effect.forkChild(client.getStatus(statusRequest("hangs")))
      yield* holds("the call is here", () => seen.begun === 1)
      yield* Fiber.interrupt(cancelled)
      yield* holds("it was stopped", () => seen.stopped === 1)
      const late = yield* Effect.flip(client.getStatus(statusRequest("hangs"), { deadline: "50 millis" }))
      yield* holds("so was the late one", () => seen.stopped === 2)

      assert.strictEqual(late._tag, "DeadlineExceeded")
      assert.strictEqual(seen.begun, 2)
    }))

  it.live("ends with Unavailable when the server closes", () =>
    Effect.gen(function*() {
      const seen: Seen = { begun: 0, stopped: 0 }
      const outer = yield* Effect.scope
      const { call } = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* serveOn(0, {}, service(seen))
        const client = yield* Scope.provide(
          GrpcClient.make(AgentServiceService, { target: server.address }),
          outer
        )
        const call = yield* Effect.forkDetach(Effect.flip(client.getStatus(statusRequest("hangs"))))
        yield* holds("the call is here", () => seen.begun === 1)
        return { call }
      }))

      const error = yield* Fiber.join(call)

      assert.deepStrictEqual([error._tag, error.detail], ["Unavailable", "the server is shutting down"])
      assert.strictEqual(seen.stopped, 1)
    }))

  it.live("takes one request, in any pieces, and says of others what is wrong", () =>
    Effect.gen(function*() {
      const { seen, server } = yield* setUp()
      const one = frame(request("s"))
      const gzipped = zlib.gzipSync(request("s"))
      const compressed = Buffer.concat([Buffer.from([1, 0, 0, 0, gzipped.length]), gzipped])

      const statuses = yield* Effect.forEach(
        [
          [{}, one],
          [{}, Buffer.alloc(0)],
          [{}, Buffer.concat([one, one])],
          [{}, frame(Buffer.from([0xff, 0xff, 0xff]))],
          [{}, Buffer.from([0, 0, 0, 0, 9, 1])],
          [{}, Buffer.from([1, 0, 0, 0, 0])],
          // By a fiber, as everything that is compressed.
          [{ "grpc-encoding": "gzip" }, compressed]
        ] as const,
        ([headers, body]) => ask(server.port, { ":path": path, ...headers }, body)
      )

      assert.deepStrictEqual(statuses, ["0", "12", "12", "13", "13", "13", "0"])
      assert.strictEqual(seen.begun, 2)
    }))

  it.live("has one all the same where it is intercepted", () =>
    Effect.gen(function*() {
      const methods: Array<string> = []
      const { client, seen } = yield* setUp([(call, handle) => {
        methods.push(call.method)
        return handle
      }])

      const answered = yield* client.getStatus(statusRequest("later"))
      const failed = yield* Effect.flip(client.getStatus(statusRequest("fails")))
      const late = yield* Effect.flip(client.getStatus(statusRequest("hangs"), { deadline: "50 millis" }))
      yield* holds("it was stopped", () => seen.stopped === 1)

      assert.deepStrictEqual([answered.serviceName, failed._tag, late._tag], ["later", "NotFound", "DeadlineExceeded"])
      assert.deepStrictEqual(methods, [path, path, path])
    }))
})
