/** A TCP connection to a target of a check: its name is resolved, its addresses are judged, and each step is timed. */
import { Effect, type Scope } from "effect"
import type * as net from "node:net"
import type { HostPort } from "../../../domain/sockets/HostPort.ts"
import { StepFailed, type Stopwatch } from "../CheckSteps.ts"
import * as Dial from "../Dial.ts"
import type { NameLookup } from "../NameLookup.ts"

export interface Connection {
  readonly socket: net.Socket
  /** Of the peer. */
  readonly address: string
}

/** Open until the scope ends. */
export const open = (
  names: Pick<NameLookup, "resolve">,
  { host, port }: HostPort,
  watch: Stopwatch
): Effect.Effect<Connection, StepFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const addresses = yield* watch.step("dns", names.resolve(host)).pipe(
      Effect.mapError(({ reason }) => new StepFailed({ reason }))
    )
    const socket = yield* Effect.acquireRelease(
      watch.step("connect", Dial.dial(addresses, port)),
      (socket) => Effect.sync(() => socket.destroy()),
      { interruptible: true }
    ).pipe(Effect.mapError(({ reason }) => new StepFailed({ reason })))
    return { socket, address: socket.remoteAddress ?? "" }
  })
