/**
 * Processes of which one at a time has a lease, kept as a key that gets too old, and writes to a store with its revision as
 * the fencing token. None of the programs has such a lead: these stand for a user's that has.
 */
import { Effect } from "effect"
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import { Exchange } from "../../src/services/simulation/Exchange.ts"
import type { Act } from "../../src/services/simulation/Faults.ts"
import { KvModel } from "../../src/services/simulation/KvModel.ts"
import type { Network } from "../../src/services/simulation/Network.ts"
import type { Healed } from "../../src/services/simulation/Simulation.ts"
import type { World } from "../../src/services/simulation/World.ts"

type KeyRequest =
  | { readonly _tag: "Take"; readonly holder: string }
  | { readonly _tag: "Renew"; readonly holder: string; readonly revision: number }

/** Undefined where somebody else has it. */
interface Held {
  readonly revision: number | undefined
}

interface Write {
  readonly holder: string
  readonly token: number
}

type KeyExchange = Exchange<KeyRequest, Held>
type StoreExchange = Exchange<Write, boolean>

export interface LeaseOptions {
  /** Hosts that want it. */
  readonly workers: ReadonlyArray<string>
  /** Of the keys, and of the store that is written to. */
  readonly servers: { readonly keys: string; readonly store: string }
  readonly ttlMillis: number
  readonly everyMillis: number
  /** Whether the store refuses a token that is older than one that it has seen. */
  readonly hasFencing: boolean
}

const answerWithin = "2 seconds"

/** Takes the lease, renews it while it works, and writes with the revision at which it was taken. */
const worker = (
  holder: string,
  { everyMillis, servers }: LeaseOptions,
  keys: KeyExchange,
  store: StoreExchange
) =>
  Effect.scoped(Effect.gen(function*() {
    const key = yield* keys.client(servers.keys)
    const written = yield* store.client(servers.store)
    const ask = (request: KeyRequest) =>
      key.ask(request).pipe(
        Effect.timeout(answerWithin),
        Effect.orElseSucceed((): Held => ({ revision: undefined }))
      )
    for (;;) {
      const { revision: token } = yield* ask({ _tag: "Take", holder })
      let revision = token
      while (revision !== undefined) {
        yield* Effect.ignore(Effect.timeout(written.ask({ holder, token: token ?? 0 }), answerWithin))
        yield* Effect.sleep(everyMillis)
        revision = (yield* ask({ _tag: "Renew", holder, revision })).revision
      }
      yield* Effect.sleep(everyMillis)
    }
  }))

export interface LeaseWorld {
  /** Whoever has the lease is killed, stands still, or is cut off from the keys. */
  readonly leaderLost: Act
  readonly healed: ReadonlyArray<Healed>
}

export const kind = "leaderLost"

/** Its target is the host of the keys: who has the lease by then is not known before. */
export const kinds = ({ servers }: Pick<LeaseOptions, "servers">): ReadonlyArray<FaultPlan.Kind> => [
  { kind, targets: [servers.keys] }
]

export const draw = (
  random: Seeded,
  options: Pick<LeaseOptions, "servers">,
  times: Pick<FaultPlan.DrawOptions, "profile" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => FaultPlan.draw(random, { ...times, hosts: 1, kinds: kinds(options) })

const lost =
  (world: World, network: Network, servers: LeaseOptions["servers"], holder: () => string): Act => (fault) => {
    const { amount } = fault
    const name = holder()
    const host = world.hosts.get(name)
    if (host === undefined) return
    world.note("world", `${name} has the lease`)
    if (amount < 1 / 3) return host.kill()
    if (amount < 2 / 3) {
      host.pause()
      return () => host.resume()
    }
    const links = network.between(name, servers.keys)
    for (const link of links) link.cut()
    return () => links.forEach((link) => link.mend())
  }

export const add = (
  world: World,
  network: Network,
  host: (name: string, program: () => Effect.Effect<unknown, unknown>) => void,
  options: LeaseOptions
): LeaseWorld => {
  const { hasFencing, servers, ttlMillis, workers } = options
  const bucket = new KvModel({ nowMillis: () => world.nowMillis, ttlMillis })
  const keys: KeyExchange = new Exchange(network, "4222")
  const store: StoreExchange = new Exchange(network, "5432")
  let last: Write = { holder: "", token: 0 }
  host(servers.keys, () =>
    Effect.scoped(Effect.andThen(
      keys.serve((request) =>
        Effect.sync(() => ({
          revision: request._tag === "Take"
            ? bucket.create("lease", request.holder)
            : bucket.update("lease", request.holder, request.revision)
        }))
      ),
      Effect.never
    )))
  host(servers.store, () =>
    Effect.scoped(Effect.andThen(
      store.serve((write) =>
        Effect.sync(() => {
          if (hasFencing && write.token < last.token) return false
          if (write.token < last.token || (write.token === last.token && write.holder !== last.holder)) {
            world.violate("one holder at a time", `${write.holder} wrote after ${last.holder}`)
          }
          last = write
          return true
        })
      ),
      Effect.never
    )))
  for (const name of workers) host(name, () => worker(name, options, keys, store))
  return {
    leaderLost: lost(world, network, servers, () => bucket.get("lease")?.value ?? ""),
    healed: [{
      name: "somebody has the lease",
      broken: () => bucket.get("lease") === undefined ? "nobody" : undefined
    }]
  }
}
