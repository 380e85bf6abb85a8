import { fromBinary } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import {
  type ServerReflectionRequest,
  ServerReflectionService
} from "../../../src/gen/grpc/reflection/v1/reflection.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { agentService, serve } from "./fixture.ts"

type Question = ServerReflectionRequest["messageRequest"]

const alpha = {
  serverReflectionInfo: {
    ...ServerReflectionService.serverReflectionInfo,
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
  }
}

const ask = (...questions: ReadonlyArray<Question>) =>
  Effect.gen(function*() {
    const server = yield* serve(agentService({}))
    const client = yield* GrpcClient.make(ServerReflectionService, { target: server.address })
    const requests = Stream.fromIterable(questions.map((messageRequest) => ({ host: "", messageRequest })))
    const responses = yield* Stream.runCollect(client.serverReflectionInfo(requests))
    return responses.map((response) => response.messageResponse)
  })

const served = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
  "monitoring.AgentService"
]

describe("GrpcReflection", () => {
  it.live("lists the services that are served, and no others", () =>
    Effect.gen(function*() {
      const [answer] = yield* ask({ $case: "listServices", value: "*" })

      assert.deepStrictEqual(answer, {
        $case: "listServicesResponse",
        value: { service: served.map((name) => ({ name })) }
      })
    }))

  it.live("answers v1alpha as it answers v1", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({}))
      const client = yield* GrpcClient.make(alpha, { target: server.address })
      const question: Question = { $case: "listServices", value: "*" }

      const responses = yield* Stream.runCollect(
        client.serverReflectionInfo(Stream.make({ host: "", messageRequest: question }))
      )

      assert.deepStrictEqual(responses[0]?.messageResponse, {
        $case: "listServicesResponse",
        value: { service: served.map((name) => ({ name })) }
      })
    }))

  it.live("hands out the file of a symbol or a name, readable by protobuf", () =>
    Effect.gen(function*() {
      const answers = yield* ask(
        { $case: "fileContainingSymbol", value: "monitoring.AgentService" },
        { $case: "fileContainingSymbol", value: "monitoring.AgentService.GetStatus" },
        { $case: "fileContainingSymbol", value: "monitoring.StatusRequest" },
        { $case: "fileByFilename", value: "monitoring/monitoring.proto" }
      )

      const files = answers.map((answer) =>
        answer?.$case === "fileDescriptorResponse"
          ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
          : []
      )
      assert.deepStrictEqual(files.map((all) => all.map((file) => file.name)), [
        ["monitoring/monitoring.proto"],
        ["monitoring/monitoring.proto"],
        ["monitoring/monitoring.proto"],
        ["monitoring/monitoring.proto"]
      ])
      assert.deepStrictEqual(files[0]?.[0]?.service.map((one) => one.name), ["AgentService", "PollerService"])
    }))

  it.live("answers what does not exist with an error and keeps the stream", () =>
    Effect.gen(function*() {
      const answers = yield* ask(
        { $case: "fileContainingSymbol", value: "no.such.Symbol" },
        { $case: "fileContainingExtension", value: { containingType: "a.B", extensionNumber: 1 } },
        undefined,
        { $case: "fileByFilename", value: "monitoring/monitoring.proto" }
      )

      const codes = answers.map((answer) => answer?.$case === "errorResponse" ? answer.value.errorCode : 0)
      assert.deepStrictEqual(codes, [5, 5, 3, 0])
    }))
})
