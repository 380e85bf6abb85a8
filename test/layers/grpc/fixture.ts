/**
 * Servers and messages shared by the gRPC tests: an agent, a core and an echo of every kind on free ports.
 */
import { Effect, Stream } from "effect"
import * as http2 from "node:http2"
import * as net from "node:net"
import { fileDescriptors } from "../../../src/gen/descriptors.ts"
import {
  AgentServiceService,
  PollerServiceService,
  type PollerStatusChunk,
  type ResultsChunk,
  type StatusRequest,
  type StatusResponse
} from "../../../src/gen/monitoring/monitoring.ts"
import type { GrpcError } from "../../../src/layers/grpc/GrpcError.ts"
import { NotFound, Unimplemented } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import type { Service } from "../../../src/layers/grpc/GrpcService.ts"
import type { ServerCall } from "../../../src/layers/grpc/internal/server/ServerCall.ts"

export const statusRequest = (serviceName: string): StatusRequest => ({
  serviceName,
  serviceType: "port",
  agentId: "agent-1",
  pollerId: "poller-1",
  details: "127.0.0.1:22",
  port: 22
})

export const statusResponse = (serviceName: string, message = ""): StatusResponse => ({
  available: true,
  message: Buffer.from(message),
  serviceName,
  serviceType: "port",
  responseTime: 1_500_000n,
  agentId: "agent-1",
  pollerId: "poller-1"
})

export const resultsRequest = (details: string) => ({
  serviceName: "sweep",
  serviceType: "sweep",
  agentId: "agent-1",
  pollerId: "poller-1",
  details,
  lastSequence: "",
  completionStatus: undefined
})

export const resultsChunk = (
  chunkIndex: number,
  totalChunks: number,
  data: Buffer = Buffer.alloc(0)
): ResultsChunk => ({
  data,
  isFinal: chunkIndex === totalChunks - 1,
  chunkIndex,
  totalChunks,
  currentSequence: "1",
  timestamp: 1n
})

export const statusChunk = (chunkIndex: number, kvStoreId = ""): PollerStatusChunk => ({
  services: [],
  pollerId: "poller-1",
  agentId: "agent-1",
  timestamp: 1n,
  partition: "default",
  sourceIp: "127.0.0.1",
  isFinal: false,
  chunkIndex,
  totalChunks: 0,
  kvStoreId
})

export interface AgentAnswers<R1, R2> {
  readonly getStatus?: (request: StatusRequest, call: ServerCall) => Effect.Effect<StatusResponse, GrpcError, R1>
  readonly streamResults?: (details: string, call: ServerCall) => Stream.Stream<ResultsChunk, GrpcError, R2>
}

/** An agent whose methods are given one by one; what is not given answers `Unimplemented`. */
export const agentService = <R1 = never, R2 = never>(answers: AgentAnswers<R1, R2>) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: answers.getStatus ??
      ((request: StatusRequest) => Effect.succeed(statusResponse(request.serviceName, request.details))),
    getResults: () => Effect.fail(new Unimplemented({ detail: "no results here" })),
    streamResults: (request: { readonly details: string }, call: ServerCall) =>
      answers.streamResults?.(request.details, call) ?? Stream.fail(new NotFound({ detail: "no stream here" }))
  })

export const coreService = <R = never>(
  streamStatus: (
    chunks: Stream.Stream<PollerStatusChunk>,
    call: ServerCall
  ) => Effect.Effect<{ received: boolean }, GrpcError, R>
) =>
  GrpcServer.service(PollerServiceService, {
    reportStatus: () => Effect.succeed({ received: true }),
    streamStatus
  })

export const serveOn = <const Services extends ReadonlyArray<Service<unknown>>>(
  port: number,
  options: Pick<
    GrpcServer.ServerOptions<Services>,
    "credentials" | "health" | "maxReceiveBytes" | "maxSendBytes" | "interceptors" | "compression"
  >,
  ...services: Services
) =>
  GrpcServer.make({
    host: "127.0.0.1",
    grace: "200 millis",
    descriptors: fileDescriptors,
    ...options,
    port,
    services
  })

export const serve = <const Services extends ReadonlyArray<Service<unknown>>>(...services: Services) =>
  serveOn(0, {}, ...services)

/** A socket server that is not gRPC: `onConnection` decides what it is instead. */
export const rawServer = (onConnection: (socket: net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly stop: () => void }>((resume) => {
      const sockets = new Set<net.Socket>()
      const server = net.createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => sockets.delete(socket))
        onConnection(socket)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({
          port,
          stop: () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
        }))
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

/** An HTTP/2 server whose answers are written frame by frame: a gRPC peer that misbehaves above the connection. */
export const http2Server = (onStream: (stream: http2.ServerHttp2Stream) => void, settings: http2.Settings = {}) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly stop: () => void }>((resume) => {
      const sessions = new Set<http2.ServerHttp2Session>()
      const server = http2.createServer({ settings })
      server.on("session", (session) => {
        sessions.add(session)
        session.on("error", () => {})
      })
      server.on("stream", (stream) => {
        stream.on("error", () => {})
        onStream(stream)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({
          port,
          stop: () => {
            server.close()
            for (const session of sessions) session.destroy()
          }
        }))
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

/** A message as gRPC frames it: not compressed, length, bytes. */
export const frame = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** A port that was free a moment ago. */
export const freePort = Effect.scoped(Effect.map(rawServer(() => {}), ({ port }) => port))

/** The value of `read` once it has stayed the same for a quarter of a second. */
export const settled = (read: Effect.Effect<number>): Effect.Effect<number> =>
  Effect.gen(function*() {
    let last = yield* read
    for (let unchanged = 0; unchanged < 10;) {
      yield* Effect.sleep("25 millis")
      const now = yield* read
      unchanged = now === last ? unchanged + 1 : 0
      last = now
    }
    return last
  })

/** Fails the test when `effect` takes longer than five seconds. */
export const soon = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(effect, { duration: "5 seconds", orElse: () => Effect.die("did not happen within 5 seconds") })

/** One request on a connection of its own, by hand: the status, or the HTTP status when it is no gRPC answer. */
export const ask = (port: number, headers: http2.OutgoingHttpHeaders, body: Uint8Array) =>
  Effect.callback<string>((resume) => {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    session.on("error", () => {})
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers
    })
    let status = ""
    stream.on("error", () => {})
    stream.on("response", (answer) => {
      status = answer[":status"] === 200 ? String(answer["grpc-status"] ?? "") : `HTTP ${answer[":status"]}`
    })
    stream.on("trailers", (trailers) => {
      status = String(trailers["grpc-status"])
    })
    stream.resume().on("close", () => {
      session.destroy()
      resume(Effect.succeed(status))
    })
    stream.end(body)
  })
