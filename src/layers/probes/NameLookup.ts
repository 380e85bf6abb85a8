/**
 * Names to addresses, for connections that probes open.
 *
 * Node gives the system's resolver two threads at a time and cannot stop a lookup: behind two that hang, all others
 * pile up, those that nobody waits for any more among them. Here they wait outside, where they can be given up, and
 * those who ask for the same name ask once.
 */
import { Duration, Effect, Fiber, Schema, Semaphore } from "effect"
import * as dns from "node:dns"
import * as net from "node:net"
import type { TargetDenied } from "../../domain/monitoring/checks/TargetPolicy.ts"
import * as Reason from "./Reason.ts"

export class NameLookupError extends Schema.TaggedError<NameLookupError>()("NameLookupError", {
  name: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.name}: ${this.reason}`
  }
}

type Addresses = ReadonlyArray<dns.LookupAddress>

/** Asks the system; not to be interrupted. */
export type Resolver = (name: string) => Effect.Effect<Addresses, NameLookupError>

const lookupsAtOnceMax = 2
/** With waiting: five hundred names at once are answered in it, when each takes 40 ms. */
export const timeout = Duration.seconds(10)

const system: Resolver = (name) =>
  Effect.callback((resume) => {
    dns.lookup(name, { all: true }, (error, addresses) =>
      resume(
        error === null
          ? Effect.succeed(addresses)
          : Effect.fail(new NameLookupError({ name, reason: Reason.describe(error) }))
      ))
  })

export interface NameLookup {
  /** Of both families, in the resolver's order; nothing is asked for a host that is an address. */
  readonly resolve: (host: string) => Effect.Effect<Addresses, NameLookupError | TargetDenied>
  /** Whether a name may be passed on to a proxy, which resolves it. */
  readonly passOn: (name: string) => Effect.Effect<void, TargetDenied>
}

interface Asking {
  readonly fiber: Fiber.Fiber<Addresses, NameLookupError>
  waiters: number
}

export const make = (resolver: Resolver = system): Effect.Effect<NameLookup> =>
  Effect.map(Semaphore.make(lookupsAtOnceMax), (places) => {
    const asked = new Map<string, Asking>()

    /** In a fiber of its own, which keeps its place until the resolver has answered, however long that takes. */
    const join = (name: string): Effect.Effect<Asking> =>
      Effect.suspend(() => {
        const known = asked.get(name)
        if (known !== undefined) {
          known.waiters += 1
          return Effect.succeed(known)
        }
        const lookup = places.withPermit(Effect.uninterruptible(resolver(name)))
        return Effect.map(Effect.forkDetach(lookup), (fiber) => {
          const asking: Asking = { fiber, waiters: 1 }
          asked.set(name, asking)
          return asking
        })
      })

    /** Whoever leaves last takes the lookup along, unless it has begun. */
    const leave = (name: string, asking: Asking) =>
      Effect.sync(() => {
        asking.waiters -= 1
        if (asking.waiters > 0) return
        asked.delete(name)
        asking.fiber.interruptUnsafe()
      })

    const ask = (name: string) =>
      Effect.acquireUseRelease(
        join(name),
        ({ fiber }) =>
          Effect.timeoutOrElse(Fiber.join(fiber), {
            duration: timeout,
            orElse: () =>
              Effect.fail(
                new NameLookupError({ name, reason: `the name was not resolved within ${Duration.format(timeout)}` })
              )
          }),
        (asking) => leave(name, asking)
      )

    return {
      resolve: (host) => {
        const family = net.isIP(host)
        return family > 0 ? Effect.succeed([{ address: host, family }]) : ask(host)
      },
      passOn: () => Effect.void
    }
  })
