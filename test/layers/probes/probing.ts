/** Probes as an agent makes them, and servers for them to look at. */
import { type Duration, Effect, Layer, Schema } from "effect"
import * as net from "node:net"
import * as path from "node:path"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { GrpcCheckers } from "../../../src/layers/probes/GrpcCheckers.ts"
import * as ProbeTable from "../../../src/layers/probes/ProbeTable.ts"
import { type CheckRequest, probeOnce } from "../../../src/services/monitoring/Prober.ts"
import { secured } from "../../support/secured.ts"

const agentConfig = AgentConfig.fromFile({ agent_id: "agent-1" })

export const document = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** Its page (`docs/checks.md`) lists every key that a message has: one that it does not know is an error here. */
const documented = (serviceType: string, message: string) => {
  const payload = Object.entries(ProbeTable.table).find(([type]) => type === serviceType)?.[1].payload
  if (payload !== undefined) Schema.decodeUnknownSync(payload, { onExcessProperty: "error" })(JSON.parse(message))
  return document(message)
}

export interface Probing {
  readonly serviceName?: string
  readonly port?: number
  readonly limit?: Duration.Duration
  readonly path?: string
  readonly config?: AgentConfig.AgentConfig
  /** As from the command line. */
  readonly takesPrograms?: boolean
}

export const probe = (serviceType: string, details: string, options: Probing = {}) => {
  const request: CheckRequest = {
    serviceType,
    serviceName: options.serviceName ?? "it",
    details,
    port: options.port ?? 0,
    agentId: "agent-1",
    pollerId: "poller-1"
  }
  const config = options.config ?? agentConfig
  return probeOnce(request, options.limit).pipe(
    Effect.map((result) => ({ ...result, document: documented(serviceType, result.message) })),
    Effect.provide(
      ProbeTable.layer({
        config,
        path: options.path ?? process.env["PATH"],
        takesPrograms: options.takesPrograms ?? false
      }).pipe(
        Layer.provide(GrpcCheckers.layer(config)),
        Layer.provide(secured)
      )
    )
  )
}

export const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** A server on a free port, closed with its connections. */
export const listening = <S extends net.Server>(make: () => S, host = "127.0.0.1", port = 0) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: S; readonly sockets: Set<net.Socket> }>((resume) => {
      const server = make()
      const sockets = new Set<net.Socket>()
      server.on("connection", (socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => sockets.delete(socket))
      })
      server.listen(port, host, () => resume(Effect.succeed({ server, sockets })))
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  ).pipe(Effect.map(({ server }) => server))

/** A server that writes what it likes, byte by byte, whatever it is asked. */
export const rawHttp = (answer: (socket: net.Socket, asked: string) => void) =>
  listening(() => net.createServer((socket) => socket.once("data", (part) => answer(socket, part.toString("latin1")))))
    .pipe(
      Effect.map((server) => `http://127.0.0.1:${portOf(server)}/`)
    )

export const certificate = (name: string) => path.resolve(import.meta.dirname, "../../fixtures/tls", name)
