/** What the checks look at, in a process of its own: servers for TCP, HTTP, UDP and gRPC health on the loopback. */
import * as grpc from "@grpc/grpc-js"
import * as dgram from "node:dgram"
import * as http from "node:http"
import * as net from "node:net"
import { HealthService } from "../../src/gen/grpc/health/v1/health.ts"
import * as Forked from "../processes/Forked.ts"

export interface Targets {
  readonly tcp: number
  readonly http: number
  readonly udp: number
  readonly grpc: number
}

const portOf = (address: string | net.AddressInfo | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

const listening = (server: net.Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", 4_096, () => resolve(portOf(server.address()))))

const serve = async (): Promise<Targets> => {
  const tcp = net.createServer((socket) => {
    socket.on("error", () => {})
    socket.end("220 ready\r\n")
  })
  const web = http.createServer((_request, response) => response.end("{\"status\":\"ok\",\"depth\":3}"))
  const udp = dgram.createSocket("udp4")
  udp.on("message", (message, { address, port }) => udp.send(message, port, address))
  const udpPort = new Promise<number>((resolve) => udp.bind(0, "127.0.0.1", () => resolve(udp.address().port)))
  const server = new grpc.Server()
  server.addService({ check: HealthService.check }, {
    check: (_call: unknown, answer: grpc.sendUnaryData<{ readonly status: number }>) => answer(null, { status: 1 })
  })
  const grpcPort = new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error === null ? resolve(port) : reject(error)
    )
  )
  return { tcp: await listening(tcp), http: await listening(web), udp: await udpPort, grpc: await grpcPort }
}

const targets = serve()
Forked.answer(() => targets)
