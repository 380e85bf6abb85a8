/** The same calls with nothing around them: bare grpc-js, a channel for each agent, its checks at its place of the interval. */
import * as grpc from "@grpc/grpc-js"
import { AgentServiceService, type StatusRequest, type StatusResponse } from "../../src/gen/monitoring/monitoring.ts"
import * as Forked from "../processes/Forked.ts"
import type { BareOptions } from "./Protocol.ts"

const { addresses, checks, intervalMillis }: BareOptions = JSON.parse(Forked.options())
const { path, requestSerialize, responseDeserialize } = AgentServiceService.getStatus
let failed = 0

const poll = (client: grpc.Client, agent: number) => {
  for (let check = 0; check < checks; check++) {
    client.makeUnaryRequest<StatusRequest, StatusResponse>(
      path,
      requestSerialize,
      responseDeserialize,
      {
        serviceName: `port-${check}`,
        serviceType: "port",
        agentId: `agent-${agent}`,
        pollerId: "bare",
        details: "127.0.0.1:22",
        port: 22
      },
      { deadline: Date.now() + 30_000 },
      (error) => {
        if (error !== null) failed += 1
      }
    )
  }
}

addresses.forEach((address, agent) => {
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  setTimeout(() => {
    poll(client, agent)
    setInterval(() => poll(client, agent), intervalMillis)
  }, agent / addresses.length * intervalMillis)
})

Forked.answer(() => failed)
