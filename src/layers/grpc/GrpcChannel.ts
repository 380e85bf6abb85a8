/**
 * One connection to one peer, shared by the clients built on it.
 *
 * Connecting is lazy: making a channel never fails because the peer is down, the first call does. A lost connection
 * is sought again in the background, at most `reconnectDelayMax` apart, so that a peer that returns is found soon.
 */
import * as grpc from "@grpc/grpc-js"
import { Duration, Effect, type Scope } from "effect"
import type { ClientCredentials } from "./GrpcCredentials.ts"
import * as MessageSize from "./MessageSize.ts"

export interface ChannelOptions {
  /** `host:port`; `:port` means localhost. */
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
}

export interface GrpcChannel {
  readonly target: string
  readonly deadline: Duration.Duration
  readonly client: grpc.Client
  /** grpc-js throws at a call on a closed channel. */
  readonly isClosed: () => boolean
}

const deadlineDefault = Duration.seconds(30)
const keepaliveInterval = Duration.minutes(2)
const keepaliveTimeout = Duration.seconds(20)
const reconnectDelayMin = Duration.millis(200)
const reconnectDelayMaxDefault = Duration.seconds(1)

/** A name that resolves to nothing: grpc-js throws at an empty target, but a wrong one must only fail its calls. */
const emptyTarget = "(empty target)"

/** The Go peers write `:50051` for a port on this machine. */
const normalizeTarget = (target: string): string => {
  if (target === "") return emptyTarget
  return /^:\d+$/.test(target) ? `localhost${target}` : target
}

const isLoopback = (target: string): boolean => /^(localhost|127\.[\d.]+|\[::1\]):/.test(target)

export const clientOptions = (options: ChannelOptions): grpc.ClientOptions => ({
  "grpc.max_receive_message_length": options.maxReceiveBytes ?? MessageSize.messageBytesMax,
  "grpc.max_send_message_length": options.maxSendBytes ?? -1,
  "grpc.keepalive_time_ms": Duration.toMillis(keepaliveInterval),
  "grpc.keepalive_timeout_ms": Duration.toMillis(keepaliveTimeout),
  // Go servers answer pings without a call in progress with GOAWAY.
  "grpc.keepalive_permit_without_calls": 0,
  "grpc.initial_reconnect_backoff_ms": Duration.toMillis(reconnectDelayMin),
  "grpc.max_reconnect_backoff_ms": Duration.toMillis(options.reconnectDelayMax ?? reconnectDelayMaxDefault),
  // One connection per channel: a channel that is closed takes its connection along, whoever else dials that peer.
  "grpc.use_local_subchannel_pool": 1,
  // Retrying is the caller's decision; without it grpc-js buffers nothing per call.
  "grpc.enable_retries": 0,
  // Counters of grpc-js's own debugging service: memory per channel that nothing here reads.
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
  // `http_proxy` in the environment must not swallow calls to this machine.
  ...(isLoopback(normalizeTarget(options.target)) ? { "grpc.enable_http_proxy": 0 } : {})
})

const open = (options: ChannelOptions): GrpcChannel & { readonly close: () => void } => {
  const target = normalizeTarget(options.target)
  const security = options.credentials?.forTarget(target)
  const client = new grpc.Client(target, security?.channel ?? grpc.credentials.createInsecure(), {
    ...security?.options,
    ...clientOptions(options)
  })
  let isClosed = false
  return {
    target,
    deadline: Duration.fromInputUnsafe(options.deadline ?? deadlineDefault),
    client,
    isClosed: () => isClosed,
    close: () => {
      isClosed = true
      client.close()
    }
  }
}

export const make = (options: ChannelOptions): Effect.Effect<GrpcChannel, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => open(options)), (channel) => Effect.sync(channel.close))
