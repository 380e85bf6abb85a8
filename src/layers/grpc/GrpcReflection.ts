/**
 * Server reflection, versions v1 and v1alpha, from descriptors that the server's owner gives.
 *
 * Lists the services that this server serves; `grpcurl` and friends need nothing else. Extensions do not exist in
 * proto3 services, so questions about them answer "not found".
 */
import { Stream } from "effect"
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService
} from "../../gen/grpc/reflection/v1/reflection.ts"
import { type Service, service } from "./GrpcService.ts"

/** A `.proto` file, as `protoc --descriptor_set_out` or `buf build` describe it. */
export interface FileDescriptor {
  /** As other files import it. */
  readonly name: string
  readonly dependencies: ReadonlyArray<string>
  /** Full names of the messages, enums, services and methods the file declares. */
  readonly symbols: ReadonlyArray<string>
  /** The serialised FileDescriptorProto. */
  readonly base64: string
}

interface Files {
  readonly byName: ReadonlyMap<string, FileDescriptor>
  readonly bySymbol: ReadonlyMap<string, FileDescriptor>
}

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>

const notFoundCode = 5
const invalidArgumentCode = 3

const index = (files: ReadonlyArray<FileDescriptor>): Files => ({
  byName: new Map(files.map((file) => [file.name, file])),
  bySymbol: new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)))
})

/** The file and, after it, everything it imports, each once. */
const withDependencies = (files: Files, file: FileDescriptor): ReadonlyArray<FileDescriptor> => {
  const found = new Set([file])
  for (const one of found) {
    for (const name of one.dependencies) {
      const dependency = files.byName.get(name)
      if (dependency !== undefined) found.add(dependency)
    }
  }
  return [...found]
}

const errorAnswer = (errorCode: number, errorMessage: string): Answer => ({
  $case: "errorResponse",
  value: { errorCode, errorMessage }
})

const fileAnswer = (files: Files, file: FileDescriptor | undefined, asked: string): Answer =>
  file === undefined ? errorAnswer(notFoundCode, `not found: ${asked}`) : {
    $case: "fileDescriptorResponse",
    value: { fileDescriptorProto: withDependencies(files, file).map((one) => Buffer.from(one.base64, "base64")) }
  }

const answer = (request: ServerReflectionRequest, serviceNames: ReadonlyArray<string>, files: Files): Answer => {
  const question = request.messageRequest
  switch (question?.$case) {
    case "listServices":
      return { $case: "listServicesResponse", value: { service: serviceNames.map((name) => ({ name })) } }
    case "fileByFilename":
      return fileAnswer(files, files.byName.get(question.value), question.value)
    case "fileContainingSymbol":
      return fileAnswer(files, files.bySymbol.get(question.value), question.value)
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

/** Both services; none without descriptors, for a list of names alone makes every client fail at its next question. */
export const make = (
  serving: ReadonlyArray<string>,
  descriptors: ReadonlyArray<FileDescriptor>
): ReadonlyArray<Service<never>> => {
  if (descriptors.length === 0) return []
  const files = index(descriptors)
  const serviceNames = [...serving, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
    .sort()
  const handlers = {
    serverReflectionInfo: (requests: Stream.Stream<ServerReflectionRequest>) =>
      Stream.map(requests, (request) => ({
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request, serviceNames, files)
      }))
  }
  return [service(ServerReflectionService, handlers), service(ServerReflectionAlphaService, handlers)]
}
