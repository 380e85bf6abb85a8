/**
 * A gRPC server from typed handlers, listening until its scope closes.
 *
 * Closing is graceful for `grace` (no new calls, running ones finish), then the remaining handlers are interrupted and
 * their callers see `Unavailable`. Health is always served, and reflection for the descriptors that are given.
 *
 * It stands on Node's HTTP/2 and not on grpc-js's server, which reads a compressed message without its encoding as it
 * is, cuts deadlines at 24 days, joins repeated metadata, loses an early cancel, compresses no response, and prints.
 */
import { Context, Duration, Effect, Fiber, Option, Random, type Scope, Tracer } from "effect"
import type * as http2 from "node:http2"
import { Ring } from "../../domain/churn/Ring.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import * as FiberRing from "../../services/churn/FiberRing.ts"
import { CallTurns } from "../sockets/CallTurns.ts"
import type { PortSharing } from "../sockets/PortSharing.ts"
import { ByteBudget } from "./ByteBudget.ts"
import { GrpcCarrier } from "./carrier/GrpcCarrier.ts"
import type { Compression } from "./Compression.ts"
import type { ServerCredentials } from "./GrpcCredentials.ts"
import { Unavailable, Unimplemented } from "./GrpcError.ts"
import * as GrpcHealth from "./GrpcHealth.ts"
import * as GrpcMetadata from "./GrpcMetadata.ts"
import * as GrpcReflection from "./GrpcReflection.ts"
import type { Service } from "./GrpcService.ts"
import { machineClock } from "./internal/MachineClock.ts"
import * as Arriving from "./internal/server/Arriving.ts"
import * as Callless from "./internal/server/Callless.ts"
import type { ConnectionLife } from "./internal/server/Connection.ts"
import { Deadlines } from "./internal/server/Deadlines.ts"
import * as FloodWatch from "./internal/server/FloodWatch.ts"
import type { Needs, Serve, ServeDirectly } from "./internal/server/GrpcHandler.ts"
import * as GrpcStatus from "./internal/server/GrpcStatus.ts"
import { Http2Call } from "./internal/server/Http2Call.ts"
import * as Http2Server from "./internal/server/Http2Server.ts"
import * as Listener from "./internal/server/Listener.ts"
import * as PeerAddress from "./internal/server/PeerAddress.ts"
import * as RequestHead from "./internal/server/RequestHead.ts"
import { type Run, runCall, type Runner } from "./internal/server/RunCall.ts"
import { type DirectCall, runDirect } from "./internal/server/RunDirect.ts"
import type { ServerInterceptor } from "./internal/server/ServerInterceptor.ts"
import { Sessions } from "./internal/server/Sessions.ts"
import * as MessageSize from "./MessageSize.ts"
import * as ServerLimits from "./ServerLimits.ts"

export { direct, service } from "./GrpcService.ts"
export { BindError } from "./internal/server/Listener.ts"
export type { ServerInterceptor } from "./internal/server/ServerInterceptor.ts"

interface Options<Services extends ReadonlyArray<Service<unknown>>> {
  /** Plain text when absent. */
  readonly credentials?: ServerCredentials
  readonly services: Services
  /** The first is the outermost. */
  readonly interceptors?: ReadonlyArray<ServerInterceptor>
  /** What reflection hands out; without any it is not served. */
  readonly descriptors?: ReadonlyArray<GrpcReflection.FileDescriptor>
  /** Statuses per name to start with; the server as a whole (`""`) is SERVING unless told. */
  readonly health?: Readonly<Record<string, GrpcHealth.ServingStatus>>
  /** `GRPC_MAX_RECV_MSG_SIZE`, else 4 MiB, unless told. */
  readonly maxReceiveBytes?: number
  /** `GRPC_MAX_SEND_MSG_SIZE`, else 4 MiB, unless told; -1 for no limit. */
  readonly maxSendBytes?: number
  /** For responses, when the client reads it. None unless told; requests may always be compressed. */
  readonly compression?: Compression
  /** Calls of one client at the same time; further ones wait at the client. As `ServerLimits` unless told. */
  readonly maxConcurrentCalls?: number
  /** A connection is pinged this often. 2 minutes unless told. */
  readonly keepalive?: Duration.Input
  /** A ping that is not answered within this ends the connection. 20 s unless told. */
  readonly keepaliveTimeout?: Duration.Input
  /** Beside what is told here, see `ServerLimits`; from the environment unless told. */
  readonly limits?: ServerLimits.ServerLimits
  /** A connection without calls is closed after this. As `ServerLimits` unless told. */
  readonly connectionIdle?: Duration.Input
  /** A connection is closed at this age, give or take a tenth, so that clients spread again. 24 h unless told. */
  readonly connectionAge?: Duration.Input
  /** How long calls may go on on a connection that is too old. 5 minutes unless told. */
  readonly connectionAgeGrace?: Duration.Input
  /** How long running calls may go on after the scope closes. 5 s unless told. */
  readonly grace?: Duration.Input
  /** With the process that replaces this one, or that it replaces; nobody shares the port unless told. */
  readonly sharing?: PortSharing
}

/** An address of this machine, a name for several, or empty for every interface; or the path of a unix socket. */
export type ServerOptions<Services extends ReadonlyArray<Service<unknown>>> = Options<Services> & Listener.Endpoint

export interface GrpcServer {
  /** The port in use, also when 0 was asked for; 0 for a unix socket. */
  readonly port: number
  /** `host:port` or `unix:PATH`: a target for a client of this machine. */
  readonly address: string
  readonly health: GrpcHealth.Health
}

type ServiceContext<S> = S extends Service<infer R> ? R : never

const graceDefault = Duration.seconds(5)

/** Anything below zero is no limit, as gRPC writes it. */
const limitOf = (bytes: number): number => bytes < 0 ? bytesMax : bytes

/** The most that the length of a frame can say. */
const bytesMax = 2 ** 32 - 1

const calllessLogMillis = 30_000

/** The first of many in each while; the others are nothing new. */
const atMostEvery = (millis: number, tell: (peer: string) => void): (peer: string) => void => {
  let toldMillis = Number.NEGATIVE_INFINITY
  return (peer) => {
    const now = performance.now()
    if (now - toldMillis < millis) return
    toldMillis = now
    tell(peer)
  }
}

/** Time for the last statuses to leave after the grace. */
const flushGrace = Duration.millis(500)

type Times =
  & Pick<Options<never>, "keepalive" | "keepaliveTimeout" | "connectionIdle" | "connectionAge" | "connectionAgeGrace">
  & { readonly handshake?: Duration.Input }

/** The contract with existing peers, unless told. */
export const connectionLife = (times: Times): ConnectionLife => {
  const millis = (given: Duration.Input | undefined, orElse: Duration.Duration) =>
    Duration.toMillis(given === undefined ? orElse : Duration.fromInputUnsafe(given))
  return {
    handshakeMillis: millis(times.handshake, ServerLimits.defaults.handshake),
    keepaliveMillis: millis(times.keepalive, Duration.minutes(2)),
    keepaliveTimeoutMillis: millis(times.keepaliveTimeout, Duration.seconds(20)),
    idleMillis: millis(times.connectionIdle, ServerLimits.defaults.idle),
    ageMillis: millis(times.connectionAge, Duration.hours(24)),
    ageGraceMillis: millis(times.connectionAgeGrace, Duration.minutes(5))
  }
}

export const make = <const Services extends ReadonlyArray<Service<unknown>>>(
  options: ServerOptions<Services>
): Effect.Effect<GrpcServer, Listener.BindError, ServiceContext<Services[number]> | Scope.Scope> =>
  Effect.gen(function*() {
    type R = ServiceContext<Services[number]>
    const fromEnvironment = yield* MessageSize.fromEnvironment
    const given = options.limits ?? (yield* ServerLimits.fromEnvironment)
    const maxReceiveBytes = limitOf(options.maxReceiveBytes ?? fromEnvironment.maxReceiveBytes)
    const limits = {
      maxReceiveBytes,
      arriving: new ByteBudget(Arriving.limitsFor(maxReceiveBytes)),
      maxSendBytes: limitOf(options.maxSendBytes ?? fromEnvironment.maxSendBytes),
      compression: options.compression,
      requests: new Deadlines(Duration.toMillis(given.request)),
      readers: new Deadlines(Duration.toMillis(given.reader))
    }
    const health = yield* GrpcHealth.make(options.health ?? {})
    const named = [...options.services, health.service]
    const reflection = GrpcReflection.make(named.map((one) => one.name), options.descriptors ?? [])
    // boundary: `R` is the union of what these services need, which a tuple of `Service<unknown>` cannot say.
    const services = [...named, ...reflection] as ReadonlyArray<Service<R>>
    // Of two services with one method the first counts, so that health and reflection can be one's own.
    const methods = new Map<string, Serve<R>>(services.toReversed().flatMap((one) => [...one.methods]))

    const calls = yield* FiberRing.make<R>()
    let isClosing = false
    const run: Run<Needs<R>> = calls.run
    const carrier = yield* GrpcCarrier
    if (carrier !== undefined) {
      const port = yield* carrier.listen({
        endpoint: options,
        credentials: options.credentials,
        methods,
        interceptors: options.interceptors ?? [],
        run,
        clear: calls.clear
      })
      yield* Effect.addFinalizer(() => health.close)
      return { port, address: addressOf(options, port), health: health.health }
    }
    const server = Http2Server.create(options.credentials, options.maxConcurrentCalls ?? given.streamsPerConnection)
    const context = yield* Effect.context<R>()
    const runner: Runner<R> = {
      run,
      interceptors: options.interceptors ?? [],
      isClosing: () => isClosing,
      // The native tracer keeps nothing.
      isTraced: Context.getOrUndefined(context, Tracer.Tracer) !== undefined
    }
    const direct = runner.isTraced || runner.interceptors.length > 0 ? none : directMethods(methods, context)
    const running = new Ring<DirectCall>()
    const begin = (stream: http2.ServerHttp2Stream, head: RequestHead.RequestHead) => {
      const incoming = new Http2Call(stream, head, limits)
      const serve = methods.get(head.path)
      const problem = head.problem ??
        (serve === undefined ? new Unimplemented({ detail: `no method ${head.path} here` }) : undefined)
      if (problem !== undefined) return incoming.end(GrpcStatus.failed(problem), undefined)
      const answer = direct.get(head.path)
      if (answer !== undefined && incoming.isPlain && !isPartOfTrace(head)) {
        runDirect(incoming, answer, { running, run })
      } else if (serve !== undefined) runCall(incoming, serve, runner)
    }
    const turns = new CallTurns()
    server.on("stream", (
      stream: http2.ServerHttp2Stream,
      headers: http2.IncomingHttpHeaders,
      _flags: number,
      raw: ReadonlyArray<string>
    ) => {
      stream.on("error", ignored)
      const refusal = RequestHead.httpRefusal(headers)
      if (refusal !== undefined) return stream.respond({ ":status": refusal }, { endStream: true })
      // The deadline counts from here.
      const head = RequestHead.read(headers, raw)
      turns.add({
        address: PeerAddress.ofSession(stream.session).address,
        isGone: () => stream.closed || stream.aborted,
        begin: () => begin(stream, head)
      })
    })
    const random = yield* Random.Random
    const log = Effect.runForkWith(context)
    const floods = new FloodWatch.FloodWatch(
      FloodWatch.limitsDefault,
      (peer) => void log(Effect.logWarning(`gRPC: ${peer} sent nothing but frames without calls, and was cut off`))
    )
    const life = connectionLife({ connectionIdle: given.idle, handshake: given.handshake, ...options })
    const callless = new Callless.Callless(
      Callless.limitsDefault,
      atMostEvery(
        calllessLogMillis,
        (peer) =>
          void log(
            Effect.logWarning(`gRPC: ${peer} holds connections on which it calls nothing; the oldest are closed`)
          )
      )
    )
    const sessions = new Sessions(server, life, { floods, callless }, () => random.nextDoubleUnsafe())
    yield* Http2Server.followRenewals(server, options.credentials, sessions)

    const grace = Duration.fromInputUnsafe(options.grace ?? graceDefault)
    yield* Effect.addFinalizer(() =>
      Effect.gen(function*() {
        yield* health.close
        // The listening sockets are closed already: their scope is newer than this one.
        const closed = yield* Effect.forkChild(sessions.close, { startImmediately: true })
        yield* Effect.raceFirst(Fiber.await(closed), machineClock.sleep(grace))
        isClosing = true
        yield* calls.clear
        for (let one = running.first; one !== undefined; one = running.first) {
          one.value.giveUp(new Unavailable({ detail: "the server is shutting down" }))
        }
        yield* Effect.raceFirst(Fiber.await(closed), machineClock.sleep(flushGrace))
        yield* sessions.destroy
      })
    )
    const connections = {
      sharing: options.sharing,
      ...Option.match(given.connections, { onNone: () => ({}), onSome: (connectionsMax) => ({ connectionsMax }) }),
      ...Option.match(given.connectionsPerPeer, {
        onNone: () => ({}),
        onSome: (connectionsPerPeerMax) => ({ connectionsPerPeerMax })
      })
    }
    const port = yield* Listener.bind(options, connections, (socket) => Listener.accept(server, socket))
    return { port, address: addressOf(options, port), health: health.health }
  })

/** Made once: what a stream listens with keeps nothing of its call. */
const ignored = () => {}

const none: ReadonlyMap<string, ServeDirectly> = new Map()

/** Those that need no fiber. */
const directMethods = <R>(
  methods: ReadonlyMap<string, Serve<R>>,
  context: Context.Context<R>
): ReadonlyMap<string, ServeDirectly> =>
  new Map([...methods].flatMap(([path, { direct }]) => direct === undefined ? [] : [[path, direct(context)] as const]))

/** What its handler calls in turn is part of the trace as well, which a fiber knows. */
const isPartOfTrace = ({ metadata }: RequestHead.RequestHead): boolean =>
  GrpcMetadata.text(metadata, "traceparent") !== undefined

const addressOf = (endpoint: Listener.Endpoint, port: number): string =>
  "path" in endpoint
    ? Listener.describe(endpoint)
    : HostPort.format({ host: endpoint.host || "localhost", port })
