/**
 * `port`: can a TCP connection be opened?
 *
 * The time measured is from the call to the established connection, with name resolution where a name is given. Of a name
 * with several addresses one that answers is enough; which it was is in the message. The connection is reset rather than
 * closed in order, so a poller leaves no TIME_WAIT sockets behind.
 */
import { Clock, Duration, Effect, Result, Schema } from "effect"
import type { LookupAddress } from "node:dns"
import * as net from "node:net"
import * as Payload from "../../domain/monitoring/checks/details/Payload.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import { parseHostPort } from "../../domain/monitoring/checks/ProbeTarget.ts"
import type { HostPort } from "../../domain/sockets/HostPort.ts"
import type { Checker, Prepare } from "../../services/monitoring/Prober.ts"
import * as Dial from "./Dial.ts"
import * as Knock from "./Knock.ts"
import * as NameLookup from "./NameLookup.ts"
import type { Kind } from "./ProbeKit.ts"
import type { TargetGuard } from "./TargetGuard.ts"

const connectTimeout = Duration.seconds(5)
/** Beyond the limits of the two steps, which say more about what went wrong. */
const slack = Duration.seconds(1)
const timeout = Duration.sum(Duration.sum(NameLookup.timeout, connectTimeout), slack)

/** The address that answered. */
const connect = (addresses: ReadonlyArray<LookupAddress>, port: number) =>
  Dial.dial(addresses, port).pipe(
    Effect.timeoutOrElse({
      duration: connectTimeout,
      orElse: () => Effect.fail(new Dial.DialError({ reason: `timed out after ${Duration.format(connectTimeout)}` }))
    }),
    Effect.map((socket) => {
      const address = socket.remoteAddress ?? ""
      socket.resetAndDestroy()
      return address
    })
  )

/** `details` is `host:port`; a bare host takes the request's own `port`. */
const targetOf = (details: string, port: number) => {
  const parsed = parseHostPort("port", details)
  if (Result.isSuccess(parsed) || port === 0) return parsed
  const host = details.includes(":") && !details.startsWith("[") ? `[${details}]` : details
  const withPort = parseHostPort("port", `${host}:${port}`)
  return Result.isSuccess(withPort) ? withPort : parsed
}

type Direct = NonNullable<Checker["direct"]>

/** Of an address: nothing is waited for but the connection. */
const ofAddress = (target: HostPort, clock: Clock.Clock): Direct => (done) => {
  const startedNanos = clock.monotonicTimeNanosUnsafe()
  return Knock.knock({
    address: target.host,
    port: target.port,
    limit: connectTimeout,
    told: (reason) => {
      const elapsedNanos = clock.monotonicTimeNanosUnsafe() - startedNanos
      done(
        reason === ""
          ? ProbeResult.portOpen(target, "", elapsedNanos)
          : ProbeResult.portClosed(target.port, reason, elapsedNanos)
      )
    }
  })
}

const ofName = (target: HostPort, names: NameLookup.NameLookup) =>
  Effect.gen(function*() {
    const startedNanos = yield* Clock.monotonicTimeNanos
    const connected = yield* names.resolve(target.host).pipe(
      Effect.flatMap((addresses) => connect(addresses, target.port)),
      Effect.result
    )
    const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
    return Result.match(connected, {
      onSuccess: (address) => ProbeResult.portOpen(target, address, elapsedNanos),
      onFailure: ({ reason }) => ProbeResult.portClosed(target.port, reason, elapsedNanos)
    })
  })

export const prepare = (names: TargetGuard): Prepare =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(targetOf(request.details, request.port))
    // An address that is denied is denied at each check anew, as a name is, and told of.
    const isPlain = net.isIP(target.host) > 0 && names.refusal(target.host, target.host) === undefined
    const direct = isPlain ? ofAddress(target, yield* Clock.Clock) : undefined
    return {
      timeout,
      isBounded: true,
      failed: (reason) => ProbeResult.portClosed(target.port, reason),
      ...(direct === undefined ? { check: ofName(target, names) } : {
        direct,
        check: Effect.callback<ProbeResult.ProbeResult>((resume) =>
          Effect.sync(direct((result) => resume(Effect.succeed(result))))
        )
      })
    }
  })

const payload = Schema.Struct({
  host: Payload.text("of the target"),
  port: Payload.measure("count", "of the target"),
  address: Payload.text("the one that answered, where the host is a name"),
  ...Payload.common
})

export const kind: Kind = {
  about: "Can a TCP connection be opened?",
  notes: "A bare host takes the port of the check's own `port` key.",
  details: { bareForm: "host:port, an IPv6 address in brackets" },
  payload,
  examples: [
    { details: "example.org:443", about: "Is the port open at any address of the name?" },
    { details: "[2001:db8::10]:22", about: "Is the port open?" }
  ],
  prepare: ({ names }) => prepare(names)
}
