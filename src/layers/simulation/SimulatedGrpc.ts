/**
 * gRPC between the hosts of a world: what a program makes with GrpcChannel and GrpcServer goes over the world's network when
 * the program runs with this carrier.
 */
import { Duration, Effect } from "effect"
import * as Network from "../../services/simulation/Network.ts"
import * as Process from "../../services/simulation/Process.ts"
import type { Carrier } from "../grpc/carrier/GrpcCarrier.ts"
import { BindError } from "../grpc/GrpcServer.ts"
import * as Calls from "./Calls.ts"
import { Dialling } from "./Dialling.ts"
import { type SecuredCall, Server } from "./Server.ts"

export type { SecuredCall } from "./Server.ts"

const millisOf = (given: Duration.Input | undefined, orElse: Duration.Input): number =>
  Duration.toMillis(Duration.fromInputUnsafe(given ?? orElse))

/** Nobody's clock. */
const timeOf = ({ world }: Process.Process, aheadMillis: number) => () =>
  (world.epochMicros + world.nowMicros) / 1_000 + aheadMillis

/** A fiber outside of a world has no network: that is a mistake of whoever runs it. */
const running = Effect.flatMap(
  Process.Current,
  (process) =>
    process === undefined ? Effect.die(new Error("no process of a simulated world runs this")) : Effect.succeed(process)
)

export interface GrpcOptions {
  /** How far ahead of the world's time certificates are judged, for worlds in which clocks are set; not at all unless told. */
  readonly aheadMillis?: number
  /** Told of each call on a connection with certificates. */
  readonly onCall?: (call: SecuredCall) => void
}

export const carrier = (
  network: Network.Network,
  { aheadMillis = 0, onCall = () => {} }: GrpcOptions = {}
): Carrier => ({
  open: (options) =>
    Effect.flatMap(running, (process) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const dialling = new Dialling(process, network, {
            target: options.target,
            timeoutMillis: millisOf(options.connectTimeout, "20 seconds"),
            backoff: {
              from: Duration.millis(200),
              to: Duration.fromInputUnsafe(options.reconnectDelayMax ?? "1 second"),
              factor: 1.6
            },
            credentials: options.credentials,
            atMillis: timeOf(process, aheadMillis),
            keepalive: {
              everyMillis: millisOf(options.keepalive, "2 minutes"),
              timeoutMillis: millisOf(options.keepaliveTimeout, "20 seconds")
            }
          })
          const peer = Network.hostOf(options.target)
          const deadline = Duration.fromInputUnsafe(options.deadline ?? "30 seconds")
          return {
            target: options.target,
            calls: Calls.make(
              options.target,
              deadline,
              dialling,
              (text) => process.world.note(process.name, text, peer)
            ),
            onLoss: (listener: () => void) => dialling.onLoss(listener),
            renew: dialling.renew,
            close: () => dialling.close()
          }
        }),
        (channel) => Effect.sync(() => channel.close())
      )),
  listen: (serving) =>
    Effect.gen(function*() {
      const process = yield* running
      const { endpoint } = serving
      const port = "path" in endpoint ? endpoint.path : `${endpoint.port}`
      const server = new Server(process, serving, { atMillis: timeOf(process, aheadMillis), onCall })
      const close = network.listen(process, port, (socket) => server.accept(socket))
      if (close === undefined) {
        return yield* new BindError({
          address: `${process.name}:${port}`,
          reason: "EADDRINUSE: address already in use"
        })
      }
      yield* Effect.addFinalizer(() => Effect.andThen(Effect.sync(close), server.close))
      if (serving.credentials?.renewals !== undefined) yield* server.followRenewals(serving.credentials.renewals)
      return "port" in endpoint ? endpoint.port : 0
    })
})
