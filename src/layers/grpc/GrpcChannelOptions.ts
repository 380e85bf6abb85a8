/** What may be said about a channel. */
import type { Duration } from "effect"
import type { Compression } from "./Compression.ts"
import type { ClientCredentials } from "./GrpcCredentials.ts"
import type { ClientInterceptor } from "./GrpcInterceptor.ts"

export interface ChannelOptions {
  /** `host:port`, `[v6%zone]:port`, `unix:/path`, or a URI of gRPC such as `dns:///host:port`; `:port` means localhost. */
  readonly target: string
  /** Plain text when absent. */
  readonly credentials?: ClientCredentials
  /** For unary calls that name none. 30 s unless told. */
  readonly deadline?: Duration.Input
  /** 4 MiB unless told. */
  readonly maxReceiveBytes?: number
  /** Unlimited unless told: the receiver decides. */
  readonly maxSendBytes?: number
  /** 1 s unless told; 20 % of jitter comes on top. */
  readonly reconnectDelayMax?: Duration.Input
  /** An attempt to connect that the peer does not answer is given up after this. 20 s unless told; infinity for never. */
  readonly connectTimeout?: Duration.Input
  /** The connection is pinged this often while a call runs. 2 minutes unless told; infinity for never. */
  readonly keepalive?: Duration.Input
  /** A ping that is not answered within this ends the connection. 20 s unless told. */
  readonly keepaliveTimeout?: Duration.Input
  /** Ping without a running call too. Go servers answer that with GOAWAY, unless told to permit it. Default false. */
  readonly keepaliveWithoutCalls?: boolean
  /** For requests; answers may always be compressed. None unless told. */
  readonly compression?: Compression
  /** Why an address to which the target resolves must not be dialled; asked at each resolution. All may unless told. */
  readonly refusal?: (address: string) => string | undefined
  /**
   * `http2` makes calls with one request or one answer over a small HTTP/2 client of its own, for a part of the processor time and
   * memory; those of the other kind have a connection of grpc-js beside it, once there is one. Where it does not know the way (a proxy,
   * a list of addresses, `refusal`, `compression`) all calls go over grpc-js, as they do unless told.
   */
  readonly transport?: "grpc-js" | "http2"
  /** Around every call of this channel; the first is the outermost. */
  readonly interceptors?: ReadonlyArray<ClientInterceptor>
}
