/** A program that an agent runs as an external checker: bare grpc-js that says that it is well. */
import * as grpc from "@grpc/grpc-js"
import { HealthService } from "../../src/gen/grpc/health/v1/health.ts"

const server = new grpc.Server()
server.addService({ check: HealthService.check }, {
  check: (_call: unknown, answer: grpc.sendUnaryData<{ readonly status: number }>) => answer(null, { status: 1 })
})
server.bindAsync(`127.0.0.1:${process.argv[2] ?? ""}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error
})
