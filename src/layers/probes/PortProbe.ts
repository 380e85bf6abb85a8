/**
 * `port`: can a TCP connection be opened?
 *
 * The time measured is from the call to the established connection, with name resolution where a name is given. The
 * connection is reset rather than closed in order, so a poller leaves no TIME_WAIT sockets behind.
 */
import { Clock, Duration, Effect, Result } from "effect"
import * as net from "node:net"
import * as Outcome from "../../domain/monitoring/checks/ProbeOutcome.ts"
import { type HostPort, parseHostPort } from "../../domain/monitoring/checks/ProbeTarget.ts"
import type { Prepare } from "../../services/monitoring/Prober.ts"
import * as NameLookup from "./NameLookup.ts"
import * as Reason from "./Reason.ts"

const connectTimeout = Duration.seconds(5)
/** Beyond the limits of the two steps, which say more about what went wrong. */
const slack = Duration.seconds(1)
const timeout = Duration.sum(Duration.sum(NameLookup.timeout, connectTimeout), slack)

/** Succeeds with nothing when connected, with the reason when not. */
const connect = ({ host, port }: HostPort, lookup: net.LookupFunction): Effect.Effect<string | void> =>
  Effect.callback((resume) => {
    const socket = net.connect({ host, port, lookup })
    // Stays for the life of the socket: an error after the answer must not be unhandled.
    socket.on("error", (error) => resume(Effect.succeed(Reason.describe(error))))
    socket.once("connect", () => {
      socket.resetAndDestroy()
      resume(Effect.void)
    })
    return Effect.sync(() => socket.destroy())
  })

/** `details` is `host:port`; a bare host takes the request's own `port`. */
const targetOf = (details: string, port: number) => {
  const parsed = parseHostPort("port", details)
  if (Result.isSuccess(parsed) || port === 0) return parsed
  const host = details.includes(":") && !details.startsWith("[") ? `[${details}]` : details
  const withPort = parseHostPort("port", `${host}:${port}`)
  return Result.isSuccess(withPort) ? withPort : parsed
}

export const prepare = (names: NameLookup.NameLookup): Prepare =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(targetOf(request.details, request.port))
    return {
      timeout,
      failed: (reason) => Outcome.portClosed(target.port, reason),
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const refusal = yield* names.resolve(target.host).pipe(
          Effect.flatMap((lookup) =>
            Effect.timeoutOrElse(connect(target, lookup), {
              duration: connectTimeout,
              orElse: () => Effect.succeed(`timed out after ${Duration.format(connectTimeout)}`)
            })
          ),
          Effect.catch((error) => Effect.succeed(error.reason))
        )
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        return refusal === undefined
          ? Outcome.portOpen(target.host, target.port, elapsedNanos)
          : Outcome.portClosed(target.port, refusal, elapsedNanos)
      })
    }
  })
