/**
 * Server reflection, versions v1 and v1alpha, from the descriptors that code generation wrote.
 *
 * Lists the services that this server serves; `grpcurl` and friends need nothing else. Extensions do not exist in
 * proto3 services, so questions about them answer "not found".
 */
import { Stream } from "effect"
import { type FileDescriptor, fileDescriptors } from "../../gen/descriptors.ts"
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService
} from "../../gen/grpc/reflection/v1/reflection.ts"
import { type Service, service } from "./GrpcService.ts"

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>

const notFoundCode = 5
const invalidArgumentCode = 3

const fileByName = new Map(fileDescriptors.map((file) => [file.name, file]))
const fileBySymbol = new Map(fileDescriptors.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)))

/** The file and, after it, everything it imports, each once. */
const withDependencies = (file: FileDescriptor): ReadonlyArray<FileDescriptor> => {
  const found = new Set([file])
  for (const one of found) {
    for (const name of one.dependencies) {
      const dependency = fileByName.get(name)
      if (dependency !== undefined) found.add(dependency)
    }
  }
  return [...found]
}

const errorAnswer = (errorCode: number, errorMessage: string): Answer => ({
  $case: "errorResponse",
  value: { errorCode, errorMessage }
})

const fileAnswer = (file: FileDescriptor | undefined, asked: string): Answer =>
  file === undefined ? errorAnswer(notFoundCode, `not found: ${asked}`) : {
    $case: "fileDescriptorResponse",
    value: { fileDescriptorProto: withDependencies(file).map((one) => Buffer.from(one.base64, "base64")) }
  }

const answer = (request: ServerReflectionRequest, serviceNames: ReadonlyArray<string>): Answer => {
  const question = request.messageRequest
  switch (question?.$case) {
    case "listServices":
      return { $case: "listServicesResponse", value: { service: serviceNames.map((name) => ({ name })) } }
    case "fileByFilename":
      return fileAnswer(fileByName.get(question.value), question.value)
    case "fileContainingSymbol":
      return fileAnswer(fileBySymbol.get(question.value), question.value)
    case "fileContainingExtension":
      return errorAnswer(notFoundCode, `not found: extension of ${question.value.containingType}`)
    case "allExtensionNumbersOfType":
      return errorAnswer(notFoundCode, `not found: extensions of ${question.value}`)
    case undefined:
      return errorAnswer(invalidArgumentCode, "the request asks nothing")
  }
}

const { serverReflectionInfo } = ServerReflectionService

/** Same messages and numbers as v1; only the path is older. */
const ServerReflectionAlphaService = {
  serverReflectionInfo: {
    ...serverReflectionInfo,
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
  }
} as const

export const make = (serving: ReadonlyArray<string>): ReadonlyArray<Service<never>> => {
  const serviceNames = [...serving, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
    .sort()
  const handlers = {
    serverReflectionInfo: (requests: Stream.Stream<ServerReflectionRequest>) =>
      Stream.map(requests, (request) => ({
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request, serviceNames)
      }))
  }
  return [service(ServerReflectionService, handlers), service(ServerReflectionAlphaService, handlers)]
}
