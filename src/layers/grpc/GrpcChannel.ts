/**
 * One connection to one peer, shared by the clients built on it.
 *
 * Connecting is lazy: making a channel never fails because the peer is down, the first call does. An attempt that the
 * peer takes and does not answer is given up after 20 s. A lost connection is sought again in the background, at most
 * `reconnectDelayMax` apart, so that a peer that returns is found soon.
 */
import * as grpc from "@grpc/grpc-js"
import { Cause, type Context, Duration, Effect, Exit, Fiber, type Scope } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { later } from "../sockets/Timer.ts"
import { type CarriedChannel, GrpcCarrier } from "./carrier/GrpcCarrier.ts"
import type { ChannelOptions } from "./GrpcChannelOptions.ts"
import type { ClientInterceptor } from "./GrpcInterceptor.ts"
import * as Defaults from "./internal/client/ChannelDefaults.ts"
import { dial } from "./internal/client/GrpcJsClient.ts"
import * as Http2Transport from "./internal/client/http2/Http2Transport.ts"
import * as RepeatedMetadata from "./internal/client/RepeatedMetadata.ts"
import * as Retries from "./internal/client/Retries.ts"
import * as Target from "./internal/client/Target.ts"
import { machineClock } from "./internal/MachineClock.ts"

export type { ChannelOptions } from "./GrpcChannelOptions.ts"

export interface GrpcChannel {
  readonly target: string
  readonly deadline: Duration.Duration
  readonly interceptors: ReadonlyArray<ClientInterceptor>
  /** Another one after a renewal of the credentials: ask for each call. */
  readonly client: grpc.Client
  /** For calls with one request or one answer; undefined where grpc-js makes them. */
  readonly http2: Http2Transport.Http2Transport | undefined
  /** grpc-js throws at a call on a closed channel. */
  readonly isClosed: () => boolean
}

class Channel implements GrpcChannel {
  readonly target: string
  readonly deadline: Duration.Duration
  readonly interceptors: ReadonlyArray<ClientInterceptor>
  readonly http2: Http2Transport.Http2Transport | undefined
  readonly #dial: () => grpc.Client
  /** Where most calls go another way it is made for the first that does not. */
  #client: grpc.Client | undefined
  readonly #retired = new Set<grpc.Client>()
  #isClosed = false

  constructor(options: ChannelOptions) {
    RepeatedMetadata.watch()
    Retries.watch()
    this.target = Target.normalize(options.target)
    this.interceptors = [...(options.interceptors ?? []), ...(options.credentials?.interceptors ?? [])]
    this.deadline = Duration.fromInputUnsafe(options.deadline ?? Defaults.deadline)
    this.#dial = () => dial(options, this.target)
    this.http2 = Http2Transport.ofChannel(options, this.target)
    if (this.http2 === undefined) this.#client = this.#dial()
  }

  get client(): grpc.Client {
    return this.#client ??= this.#dial()
  }

  isClosed(): boolean {
    return this.#isClosed
  }

  /** New connections in place of the present ones; whether they came about. */
  readonly renew: Effect.Effect<boolean> = Effect.suspend(() =>
    Effect.map(Effect.all([this.#renewClient, this.#renewHttp2]), (renewed) => renewed.every((one) => one))
  )

  readonly #renewHttp2: Effect.Effect<boolean> = Effect.suspend(() => {
    const connection = this.http2?.connection
    if (connection === undefined || connection.state === "idle") return Effect.succeed(true)
    if (connection.state === "connecting") return Effect.succeed(false)
    return Effect.callback<boolean>((resume) => {
      const cancel = connection.renew((isRenewed) => resume(Effect.succeed(isRenewed)))
      return Effect.sync(cancel)
    }).pipe(
      Effect.timeoutOrElse({ duration: renewalLimit, orElse: () => Effect.succeed(false) })
    )
  })

  /**
   * Another connection in place of the present one; whether it came about. A channel that is not connected has nothing
   * to give up: its next connection is a new one. One that is connecting may have begun with what it had before.
   */
  readonly #renewClient: Effect.Effect<boolean> = Effect.suspend(() => {
    const old = this.#client
    if (old === undefined) return Effect.succeed(true)
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
    this.http2?.connection.close()
    this.#client?.close()
    for (const client of this.#retired) client.close()
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

type Renewed = Pick<CarriedChannel, "renew" | "target">

/** A new connection before the old one is given up, so that no call is without one. It has a fiber while it tries. */
class Renewing {
  readonly #channel: Renewed
  readonly #context: Context.Context<never>
  readonly #stopHearing: () => void
  #fiber: Fiber.Fiber<unknown> | undefined = undefined

  constructor(channel: Renewed, context: Context.Context<never>, onRenewal: (listener: () => void) => () => void) {
    this.#channel = channel
    this.#context = context
    this.#stopHearing = onRenewal(() => this.#begin())
  }

  stop(): Effect.Effect<void> {
    this.#stopHearing()
    return this.#fiber === undefined ? Effect.void : Fiber.interrupt(this.#fiber)
  }

  #begin(): void {
    this.#fiber?.interruptUnsafe()
    const { renew, target } = this.#channel
    this.#fiber = Effect.runForkWith(this.#context)(
      Effect.repeat(renew, { schedule: renewalBackoff, until: (isRenewed) => isRenewed }).pipe(
        Effect.tapCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.void
            : Effect.logError(`Renewing the certificates towards ${target} failed`, cause)
        )
      )
    )
  }
}

const followRenewals = (channel: Renewed, { credentials }: ChannelOptions) => {
  const onRenewal = credentials?.onRenewal
  if (onRenewal === undefined) return Effect.void
  return Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.acquireRelease(
      Effect.sync(() => new Renewing(channel, context, onRenewal)),
      (renewing) => renewing.stop()
    )
  )
}

/** One over this machine's network, or over what carries calls in its place. */
export type AnyChannel = GrpcChannel | CarriedChannel

export const make = (options: ChannelOptions): Effect.Effect<AnyChannel, never, Scope.Scope> =>
  Effect.flatMap(
    GrpcCarrier,
    (carrier): Effect.Effect<AnyChannel, never, Scope.Scope> =>
      carrier === undefined
        ? dialled(options)
        : options.credentials?.onRenewal === undefined
        ? carrier.open(options)
        : Effect.tap(carrier.open(options), (channel) => followRenewals(channel, options))
  )

const dialled = (options: ChannelOptions): Effect.Effect<GrpcChannel, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => new Channel(options)), (channel) => Effect.sync(() => channel.close())).pipe(
    Effect.tap((channel) => followRenewals(channel, options))
  )
