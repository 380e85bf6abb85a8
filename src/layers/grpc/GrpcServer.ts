/**
 * A gRPC server from typed handlers, listening until its scope closes.
 *
 * Closing is graceful for `grace` (no new calls, running ones finish), then the remaining handlers are interrupted and
 * their callers see `Unavailable`. Health and reflection are always served, as on the Go servers.
 */
import * as grpc from "@grpc/grpc-js"
import { Duration, Effect, FiberSet, Schema, type Scope } from "effect"
import * as GrpcHealth from "./GrpcHealth.ts"
import * as GrpcReflection from "./GrpcReflection.ts"
import type { Service } from "./GrpcService.ts"
import { machineClock } from "./internal/MachineClock.ts"
import * as MessageSize from "./MessageSize.ts"

export { service } from "./GrpcService.ts"

export class BindError extends Schema.TaggedError<BindError>()("BindError", {
  address: Schema.String,
  /** What the operating system said, for example `EADDRINUSE: address already in use`. */
  reason: Schema.String
}) {
  override get message(): string {
    return `Cannot listen on ${this.address}: ${this.reason}`
  }
}

export interface ServerOptions<Services extends ReadonlyArray<Service<unknown>>> {
  /** An address of this machine; `0.0.0.0` or `::` for all. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Plain text when absent. */
  readonly credentials?: grpc.ServerCredentials
  readonly services: Services
  /** Statuses per name to start with; the server as a whole (`""`) is SERVING unless told. */
  readonly health?: Readonly<Record<string, GrpcHealth.ServingStatus>>
  /** `GRPC_MAX_RECV_MSG_SIZE`, else 4 MiB, unless told. */
  readonly maxReceiveBytes?: number
  /** `GRPC_MAX_SEND_MSG_SIZE`, else 4 MiB, unless told. */
  readonly maxSendBytes?: number
  /** How long running calls may go on after the scope closes. 5 s unless told. */
  readonly grace?: Duration.Input
}

export interface GrpcServer {
  /** The port in use, also when 0 was asked for. */
  readonly port: number
  /** `host:port`. */
  readonly address: string
  readonly health: GrpcHealth.Health
}

type ServiceContext<S> = S extends Service<infer R> ? R : never

/** Of one client at the same time; further calls wait at the client, as HTTP/2 has it. */
const callsPerConnectionMax = 1_000

const graceDefault = Duration.seconds(5)

export const serverOptions = (limits: { maxReceiveBytes: number; maxSendBytes: number }): grpc.ServerOptions => ({
  "grpc.max_receive_message_length": limits.maxReceiveBytes,
  "grpc.max_send_message_length": limits.maxSendBytes,
  "grpc.keepalive_time_ms": Duration.toMillis(Duration.minutes(2)),
  "grpc.keepalive_timeout_ms": Duration.toMillis(Duration.seconds(20)),
  "grpc.max_connection_idle_ms": Duration.toMillis(Duration.minutes(10)),
  "grpc.max_connection_age_ms": Duration.toMillis(Duration.hours(24)),
  "grpc.max_connection_age_grace_ms": Duration.toMillis(Duration.minutes(5)),
  "grpc.max_concurrent_streams": callsPerConnectionMax,
  "grpc.enable_channelz": 0
})

const hostPort = (host: string, port: number): string => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** The part of grpc-js's text that says why: `listen EADDRINUSE: address already in use 127.0.0.1:1` and more around. */
const bindReason = (text: string): string => /\b(E[A-Z]+: [a-z ,]+[a-z])/.exec(text)?.[1] ?? text

/** grpc-js also prints a failed bind to the console; the operator gets it once, as `BindError`. */
const silenceErrors = Effect.sync(() => grpc.setLogger({ ...console, error: () => {} }))

const listen = (server: grpc.Server, address: string, credentials: grpc.ServerCredentials) =>
  Effect.callback<number, BindError>((resume) => {
    server.bindAsync(address, credentials, (error, port) =>
      resume(
        error === null
          ? Effect.succeed(port)
          : Effect.fail(new BindError({ address, reason: bindReason(error.message) }))
      ))
  })

const close = (server: grpc.Server, calls: FiberSet.FiberSet, address: string, grace: Duration.Duration) =>
  Effect.callback<void>((resume) => server.tryShutdown(() => resume(Effect.void))).pipe(
    Effect.raceFirst(machineClock.sleep(grace)),
    Effect.andThen(FiberSet.clear(calls)),
    // `forceShutdown` knows no sessions when channelz is off; draining without grace destroys them.
    Effect.andThen(Effect.sync(() => server.drain(address, 0)))
  )

export const make = <const Services extends ReadonlyArray<Service<unknown>>>(
  options: ServerOptions<Services>
): Effect.Effect<GrpcServer, BindError, ServiceContext<Services[number]> | Scope.Scope> =>
  Effect.gen(function*() {
    type R = ServiceContext<Services[number]>
    yield* silenceErrors
    const limits = yield* MessageSize.fromEnvironment
    const server = new grpc.Server(serverOptions({
      maxReceiveBytes: options.maxReceiveBytes ?? limits.maxReceiveBytes,
      maxSendBytes: options.maxSendBytes ?? limits.maxSendBytes
    }))
    const calls = yield* FiberSet.make()
    const run = yield* FiberSet.runtime(calls)<R>()
    // boundary: `R` is the union of what these services need, which a tuple of `Service<unknown>` cannot say.
    for (const one of options.services as ReadonlyArray<Service<R>>) one.register(server, run)
    const health = yield* GrpcHealth.make(options.health ?? {})
    const reflection = GrpcReflection.make([...options.services, health.service].map((one) => one.name))
    for (const one of [health.service, ...reflection]) one.register(server, run)
    const asked = hostPort(options.host, options.port)
    const credentials = options.credentials ?? grpc.ServerCredentials.createInsecure()
    const grace = Duration.fromInputUnsafe(options.grace ?? graceDefault)
    const port = yield* Effect.acquireRelease(
      listen(server, asked, credentials),
      (port) => Effect.andThen(health.close, close(server, calls, hostPort(options.host, port), grace))
    )
    return { port, address: hostPort(options.host, port), health: health.health }
  })
