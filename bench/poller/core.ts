/**
 * A core that treats reports as the existing one does: it knows a poller only once that has reported by a stream, and takes
 * every report for all of the poller. It keeps numbers only.
 */
import * as grpc from "@grpc/grpc-js"
import {
  PollerServiceService,
  type PollerStatusChunk,
  type PollerStatusRequest,
  type ServiceStatus
} from "../../src/gen/monitoring/monitoring.ts"
import * as Forked from "../processes/Forked.ts"
import type { Reported } from "./Protocol.ts"

const registered = new Set<string>()
let reported: Reported = { reports: 0, statuses: 0, unavailable: 0, messageBytes: 0 }

const count = (services: ReadonlyArray<ServiceStatus>, reports: number) => {
  reported = {
    reports: reported.reports + reports,
    statuses: reported.statuses + services.length,
    unavailable: reported.unavailable + services.filter(({ available }) => !available).length,
    messageBytes: reported.messageBytes + services.reduce((sum, { message }) => sum + message.length, 0)
  }
}

const server = new grpc.Server()
server.addService(PollerServiceService, {
  reportStatus: ((call, callback) => {
    if (registered.has(call.request.pollerId)) count(call.request.services, 1)
    callback(null, { received: true })
  }) satisfies grpc.handleUnaryCall<PollerStatusRequest, object>,
  streamStatus: ((call, callback) => {
    call.on("data", (chunk: PollerStatusChunk) => {
      registered.add(chunk.pollerId)
      count(chunk.services, 0)
    })
    call.on("end", () => {
      count([], 1)
      callback(null, { received: true })
    })
  }) satisfies grpc.handleClientStreamingCall<PollerStatusChunk, object>
})

const port = new Promise<number>((resolve, reject) =>
  server.bindAsync(
    "127.0.0.1:0",
    grpc.ServerCredentials.createInsecure(),
    (error, bound) => error === null ? resolve(bound) : reject(error)
  )
)

Forked.answer(async (text) => {
  const { ask }: { ask: "port" | "reported" } = JSON.parse(text)
  return ask === "port" ? await port : reported
})
