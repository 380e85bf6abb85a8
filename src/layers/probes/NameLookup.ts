/**
 * Names to addresses, for connections that probes open.
 *
 * The system's resolver works in one of Node's four worker threads for as long as it hangs, and cannot be told to stop;
 * reading a file needs the same threads. Few lookups at once leave some for all that has nothing to do with names.
 */
import { Duration, Effect, Fiber, Schema, Semaphore } from "effect"
import * as dns from "node:dns"
import * as net from "node:net"
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
const timeout = Duration.seconds(4)

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
  /** What `net.connect` and `http.request` take as `lookup`; nothing is asked for a host that is an address. */
  readonly resolve: (host: string) => Effect.Effect<net.LookupFunction, NameLookupError>
}

/** Answers with addresses that are known. */
const answering = (addresses: Addresses): net.LookupFunction => (name, options, callback) => {
  const [first] = addresses
  if (options.all === true) return callback(null, [...addresses])
  if (first !== undefined) return callback(null, first.address, first.family)
  callback(Object.assign(new Error(`no address for ${name}`), { code: "ENOTFOUND" }), "", 0)
}

export const make = (resolver: Resolver = system): Effect.Effect<NameLookup> =>
  Effect.map(Semaphore.make(lookupsAtOnceMax), (places) => {
    const ask = (name: string) =>
      Effect.gen(function*() {
        // In a fiber of its own, which keeps its place until the resolver has answered, however long that takes.
        const asking = yield* Effect.forkDetach(places.withPermit(Effect.uninterruptible(resolver(name))))
        return yield* Fiber.join(asking).pipe(
          Effect.timeoutOrElse({
            duration: timeout,
            orElse: () =>
              Effect.fail(
                new NameLookupError({ name, reason: `the name was not resolved within ${Duration.format(timeout)}` })
              )
          }),
          Effect.ensuring(Effect.sync(() => asking.interruptUnsafe()))
        )
      })
    return {
      resolve: (host) => net.isIP(host) > 0 ? Effect.succeed(answering([])) : Effect.map(ask(host), answering)
    }
  })
