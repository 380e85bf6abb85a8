/**
 * One connection to one peer, shared by the clients built on it.
 *
 * Connecting is lazy: making a channel never fails because the peer is down, the first call does. An attempt that the
 * peer takes and does not answer is given up after 20 s. A lost connection is sought again in the background, at most
 * `reconnectDelayMax` apart, so that a peer that returns is found soon.
 */
import * as grpc from "@grpc/grpc-js"
import { Duration, Effect, Exit, type Scope, Stream } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import { later } from "../sockets/Timer.ts"
import type { Compression } from "./Compression.ts"
import type { ClientCredentials } from "./GrpcCredentials.ts"
import type { ClientInterceptor } from "./GrpcInterceptor.ts"
import { withRefusal } from "./internal/client/JudgedResolver.ts"
import * as RepeatedMetadata from "./internal/client/RepeatedMetadata.ts"
import * as Retries from "./internal/client/Retries.ts"
import { WatchedCredentials } from "./internal/client/SettingsWatch.ts"
import * as Target from "./internal/client/Target.ts"
import { withZone } from "./internal/client/ZoneResolver.ts"
import { machineClock } from "./internal/MachineClock.ts"
import * as MessageSize from "./MessageSize.ts"
import { isDirect } from "./Proxy.ts"

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
  /** Around every call of this channel; the first is the outermost. */
  readonly interceptors?: ReadonlyArray<ClientInterceptor>
}

export interface GrpcChannel {
  readonly target: string
  readonly deadline: Duration.Duration
  readonly interceptors: ReadonlyArray<ClientInterceptor>
  /** Another one after a renewal of the credentials: ask for each call. */
  readonly client: grpc.Client
  /** grpc-js throws at a call on a closed channel. */
  readonly isClosed: () => boolean
}

const deadlineDefault = Duration.seconds(30)
/** The least that gRPC grants an attempt (connection-backoff.md). */
const connectTimeoutDefault = Duration.seconds(20)
const keepaliveInterval = Duration.minutes(2)
const keepaliveTimeout = Duration.seconds(20)
const reconnectDelayMin = Duration.millis(200)
const reconnectDelayMaxDefault = Duration.seconds(1)

const algorithms = {
  gzip: grpc.compressionAlgorithms.gzip,
  deflate: grpc.compressionAlgorithms.deflate
}

/** grpc-js's timers know no infinity and no more than 32 bits. */
const timerMillis = (given: Duration.Input | undefined, orElse: Duration.Duration): number => {
  const millis = Duration.toMillis(given === undefined ? orElse : Duration.fromInputUnsafe(given))
  return Number.isFinite(millis) ? Math.min(millis, 2 ** 31 - 1) : -1
}

export const clientOptions = (options: ChannelOptions): grpc.ClientOptions => ({
  "grpc.max_receive_message_length": options.maxReceiveBytes ?? MessageSize.messageBytesMax,
  "grpc.max_send_message_length": options.maxSendBytes ?? -1,
  "grpc.keepalive_time_ms": timerMillis(options.keepalive, keepaliveInterval),
  "grpc.keepalive_timeout_ms": timerMillis(options.keepaliveTimeout, keepaliveTimeout),
  "grpc.keepalive_permit_without_calls": options.keepaliveWithoutCalls === true ? 1 : 0,
  "grpc.initial_reconnect_backoff_ms": Duration.toMillis(reconnectDelayMin),
  "grpc.max_reconnect_backoff_ms": Duration.toMillis(options.reconnectDelayMax ?? reconnectDelayMaxDefault),
  // One connection per channel: a channel that is closed takes its connection along, whoever else dials that peer.
  "grpc.use_local_subchannel_pool": 1,
  // Only what the peer has surely not seen is sent again, such as a stream refused at the end of a connection's age.
  // Anything else is the caller's decision: no retry policy can come in, for service configs are not looked up.
  "grpc.enable_retries": 1,
  // Counters of grpc-js's own debugging service: memory per channel that nothing here reads.
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.secondary_user_agent": RepeatedMetadata.userAgent,
  ...(options.compression === undefined
    ? {}
    : { "grpc.default_compression_algorithm": algorithms[options.compression] }),
  ...(isDirect(Target.normalize(options.target), process.env) ? { "grpc.enable_http_proxy": 0 } : {})
})

const dial = (options: ChannelOptions, target: string): grpc.Client => {
  const security = options.credentials?.forTarget(target)
  const credentials = new WatchedCredentials(
    security?.channel ?? grpc.credentials.createInsecure(),
    Duration.toMillis(Duration.fromInputUnsafe(options.connectTimeout ?? connectTimeoutDefault))
  )
  const judged = withRefusal(withZone(target), options.refusal)
  return new grpc.Client(judged.target, credentials, {
    ...security?.options,
    ...clientOptions(options),
    ...judged.options
  })
}

class Channel implements GrpcChannel {
  readonly target: string
  readonly deadline: Duration.Duration
  readonly interceptors: ReadonlyArray<ClientInterceptor>
  readonly #dial: () => grpc.Client
  #client: grpc.Client
  readonly #retired = new Set<grpc.Client>()
  #isClosed = false

  constructor(options: ChannelOptions) {
    RepeatedMetadata.watch()
    Retries.watch()
    this.target = Target.normalize(options.target)
    this.interceptors = [...(options.interceptors ?? []), ...(options.credentials?.interceptors ?? [])]
    this.deadline = Duration.fromInputUnsafe(options.deadline ?? deadlineDefault)
    this.#dial = () => dial(options, this.target)
    this.#client = this.#dial()
  }

  get client(): grpc.Client {
    return this.#client
  }

  isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Another connection in place of the present one; whether it came about. A channel that is not connected has nothing
   * to give up: its next connection is a new one. One that is connecting may have begun with what it had before.
   */
  readonly renew: Effect.Effect<boolean> = Effect.suspend(() => {
    const old = this.#client
    const state = this.#isClosed ? grpc.connectivityState.SHUTDOWN : old.getChannel().getConnectivityState(false)
    if (state === grpc.connectivityState.CONNECTING) return Effect.succeed(false)
    if (state !== grpc.connectivityState.READY) return Effect.succeed(true)
    const next = this.#dial()
    return connected(next).pipe(
      Effect.onExit((exit) => {
        if (!Exit.isSuccess(exit) || !exit.value || this.#isClosed) return Effect.sync(() => next.close())
        return Effect.sync(() => {
          this.#client = next
          this.#retire(old)
        })
      })
    )
  })

  /** Its connection ends when the calls that have begun on it by then do. */
  #retire(client: grpc.Client): void {
    this.#retired.add(client)
    later(Duration.toMillis(settling), () => {
      this.#retired.delete(client)
      client.close()
    })
  }

  close(): void {
    this.#isClosed = true
    for (const client of [this.#client, ...this.#retired]) client.close()
  }
}

const renewalLimit = Duration.seconds(10)
/** On a busy machine a call waits for its connection; by then it has begun, or given up. */
const settling = Duration.seconds(5)

const connected = (client: grpc.Client): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    client.waitForReady(
      machineClock.currentTimeMillisUnsafe() + Duration.toMillis(renewalLimit),
      (error) => resume(Effect.succeed(error === undefined || error === null))
    )
  })

/** For a peer that does not take the renewed certificate yet. */
const renewalBackoff = Backoff.capped({ from: "1 second", to: "30 seconds" })

/** A new connection before the old one is given up, so that no call is without one. */
const followRenewals = (channel: Channel, { credentials }: ChannelOptions) =>
  credentials?.renewals === undefined
    ? Effect.void
    : ScopedLoop.start(
      `Renewing the certificates towards ${channel.target}`,
      credentials.renewals.pipe(
        Stream.switchMap(() =>
          Stream.fromEffect(Effect.repeat(channel.renew, { schedule: renewalBackoff, until: (isRenewed) => isRenewed }))
        ),
        Stream.runDrain
      )
    )

export const make = (options: ChannelOptions): Effect.Effect<GrpcChannel, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => new Channel(options)), (channel) => Effect.sync(() => channel.close())).pipe(
    Effect.tap((channel) => followRenewals(channel, options))
  )
