/**
 * Entry `serviceradar-effect/grpc`: typed gRPC clients and servers over `@grpc/grpc-js`.
 */
export type { Compression } from "./Compression.ts"
export type { CallOptions } from "./GrpcCallOptions.ts"
export * as GrpcChannel from "./GrpcChannel.ts"
export * as GrpcClient from "./GrpcClient.ts"
export * as GrpcCredentials from "./GrpcCredentials.ts"
export * as GrpcError from "./GrpcError.ts"
export * as GrpcHealth from "./GrpcHealth.ts"
export * as GrpcInterceptor from "./GrpcInterceptor.ts"
export type { ClientInterceptor, OutgoingCall } from "./GrpcInterceptor.ts"
export * as GrpcMetadata from "./GrpcMetadata.ts"
export type { FileDescriptor } from "./GrpcReflection.ts"
export * as GrpcServer from "./GrpcServer.ts"
export type { ServerInterceptor } from "./GrpcServer.ts"
export type { ServerCall } from "./internal/server/ServerCall.ts"
