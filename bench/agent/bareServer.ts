/** GetStatus with nothing around it: bare grpc-js, which opens the socket that the details name and answers how long it took. */
import * as grpc from "@grpc/grpc-js"
import * as net from "node:net"
import { AgentServiceService, type StatusRequest, type StatusResponse } from "../../src/gen/monitoring/monitoring.ts"
import * as Forked from "../processes/Forked.ts"

const getStatus = (call: { readonly request: StatusRequest }, answer: grpc.sendUnaryData<StatusResponse>): void => {
  const { details, serviceName, serviceType, pollerId } = call.request
  const [host = "", port = ""] = details.split(":")
  const began = process.hrtime.bigint()
  const socket = net.connect(Number(port), host)
  const say = (available: boolean, document: object, responseTime: bigint) => {
    socket.destroy()
    answer(null, {
      available,
      message: Buffer.from(JSON.stringify(document)),
      serviceName,
      serviceType,
      responseTime,
      agentId: "bare",
      pollerId
    })
  }
  socket.once("connect", () => {
    const took = process.hrtime.bigint() - began
    say(true, { host, port: Number(port), response_time: Number(took) }, took)
  })
  socket.once("error", ({ message }) => say(false, { error: message }, 0n))
}

const server = new grpc.Server()
server.addService({ getStatus: AgentServiceService.getStatus }, { getStatus })
const port = new Promise<number>((resolve, reject) =>
  server.bindAsync(
    "127.0.0.1:0",
    grpc.ServerCredentials.createInsecure(),
    (error, bound) => error === null ? resolve(bound) : reject(error)
  )
)
Forked.answer(() => port)
