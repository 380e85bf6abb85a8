/**
 * How a connection is secured: not at all, or by certificates on both sides with TLS 1.3 or newer.
 */
import * as grpc from "@grpc/grpc-js"

export interface ClientCredentials {
  readonly channel: grpc.ChannelCredentials
  readonly options: grpc.ChannelOptions
}
