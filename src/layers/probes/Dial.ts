/**
 * Opens a TCP connection to one of a host's addresses.
 *
 * The next address is tried a quarter of a second later, or at once when one is refused, and the earlier ones go on:
 * each has all the time there is, and the first that answers wins (RFC 8305). Node's own way gives up an address when it
 * turns to the next, so a slow first one counted as down.
 */
import { Deferred, Effect, Exit, Schema } from "effect"
import type * as dns from "node:dns"
import * as net from "node:net"
import * as Reason from "./Reason.ts"

export class DialError extends Schema.TaggedError<DialError>()("DialError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const stagger = "250 millis"
const addressesMax = 16

/** Families in turn, beginning with that of the first. */
export const interleave = (addresses: ReadonlyArray<dns.LookupAddress>): ReadonlyArray<dns.LookupAddress> => {
  const family = addresses[0]?.family
  const first = addresses.filter((one) => one.family === family)
  const second = addresses.filter((one) => one.family !== family)
  return first.flatMap((one, index) => [one, ...second.slice(index, index + 1)]).concat(second.slice(first.length))
}

/** Succeeds when connected; the socket is in `opened` from the beginning. */
const connect = (
  address: dns.LookupAddress,
  port: number,
  opened: Set<net.Socket>
): Effect.Effect<net.Socket, string> =>
  Effect.callback((resume) => {
    const socket = net.connect({ host: address.address, port, family: address.family })
    opened.add(socket)
    // Stays for the life of the socket: an error after the answer must not be unhandled.
    socket.on("error", (error) => resume(Effect.fail(Reason.describe(error))))
    socket.once("connect", () => resume(Effect.succeed(socket)))
  })

/** The socket belongs to whoever gets it; interruption leaves none open. */
export const dial = (
  addresses: ReadonlyArray<dns.LookupAddress>,
  port: number
): Effect.Effect<net.Socket, DialError> =>
  Effect.suspend(() => {
    const candidates = interleave(addresses).slice(0, addressesMax)
    const opened = new Set<net.Socket>()
    const refusals: Array<string> = []

    const from = (index: number): Effect.Effect<net.Socket, void> => {
      const address = candidates[index]
      if (address === undefined) return Effect.fail(undefined)
      const refused = Deferred.makeUnsafe<void>()
      const one = connect(address, port, opened).pipe(
        Effect.catch((reason) => {
          refusals.push(candidates.length === 1 ? reason : `${address.address}: ${reason}`)
          return Effect.andThen(Deferred.succeed(refused, undefined), Effect.fail(undefined))
        })
      )
      if (index === candidates.length - 1) return one
      const later = Effect.andThen(
        Effect.timeoutOption(Deferred.await(refused), stagger),
        Effect.suspend(() => from(index + 1))
      )
      return Effect.race(one, later)
    }

    const closeOthers = (winner?: net.Socket) =>
      Effect.sync(() => {
        for (const socket of opened) if (socket !== winner) socket.destroy()
      })
    return from(0).pipe(
      Effect.mapError(() => new DialError({ reason: [...new Set(refusals)].join("; ") || "no address" })),
      Effect.onExit((exit) => closeOthers(Exit.isSuccess(exit) ? exit.value : undefined))
    )
  })
