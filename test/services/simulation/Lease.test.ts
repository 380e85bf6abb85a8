/** A lease in a bucket of keys: who has it may lose it without knowing, and only a fencing token keeps two from writing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FaultPlan from "../../../src/domain/simulation/FaultPlan.ts"
import { Exchange } from "../../../src/services/simulation/Exchange.ts"
import * as Faults from "../../../src/services/simulation/Faults.ts"
import { KvModel } from "../../../src/services/simulation/KvModel.ts"
import { lan } from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import * as Simulation from "../../../src/services/simulation/Simulation.ts"
import { World } from "../../../src/services/simulation/World.ts"

const workers = ["a", "b", "c"]
const minutes = 20
const ttlMillis = 10_000

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

/** Takes the lease, renews it while it works, and writes with the revision at which it was taken. */
const worker = (holder: string, keys: KeyExchange, store: StoreExchange) =>
  Effect.scoped(Effect.gen(function*() {
    const key = yield* keys.client("keys")
    const written = yield* store.client("store")
    const ask = (request: KeyRequest) =>
      key.ask(request).pipe(
        Effect.timeout("2 seconds"),
        Effect.orElseSucceed((): Held => ({ revision: undefined }))
      )
    for (;;) {
      const { revision: token } = yield* ask({ _tag: "Take", holder })
      let revision = token
      while (revision !== undefined) {
        yield* Effect.ignore(Effect.timeout(written.ask({ holder, token: token ?? 0 }), "2 seconds"))
        yield* Effect.sleep("1 second")
        revision = (yield* ask({ _tag: "Renew", holder, revision })).revision
      }
      yield* Effect.sleep("1 second")
    }
  }))

const scenario = (hasFencing: boolean): Simulation.Scenario => ({
  plan: (random) =>
    FaultPlan.draw(random, {
      profile: "hostile",
      kinds: Faults.kinds(workers, workers.flatMap((one) => [[one, "keys"] as const, [one, "store"] as const])),
      hosts: 5,
      fromMillis: 5_000,
      untilMillis: (minutes - 2) * 60_000
    }),
  build: (seed, plan) => {
    const world = new World({ seed })
    const network = new Network(world, lan)
    const bucket = new KvModel({ nowMillis: () => world.nowMillis, ttlMillis })
    const keys: KeyExchange = new Exchange(network, "4222")
    const store: StoreExchange = new Exchange(network, "5432")
    let highest = 0
    let last: Write | undefined
    world.addHost("keys", {
      program: () =>
        Effect.scoped(Effect.andThen(
          keys.serve((request) =>
            Effect.sync(() => ({
              revision: request._tag === "Take"
                ? bucket.create("lease", request.holder)
                : bucket.update("lease", request.holder, request.revision)
            }))
          ),
          Effect.never
        ))
    }).start()
    world.addHost("store", {
      program: () =>
        Effect.scoped(Effect.andThen(
          store.serve(({ holder, token }) =>
            Effect.sync(() => {
              if (hasFencing && token < highest) return false
              if (token < highest) world.violate("one holder at a time", `${holder} wrote after ${last?.holder}`)
              highest = Math.max(highest, token)
              last = { holder, token }
              return true
            })
          ),
          Effect.never
        ))
    }).start()
    for (const name of workers) world.addHost(name, { program: () => worker(name, keys, store) }).start()
    Faults.carryOut(plan, { world, network })
    return {
      world,
      endMillis: minutes * 60_000,
      healed: [{
        name: "somebody has the lease",
        broken: () => bucket.get("lease") === undefined ? "nobody" : undefined
      }]
    }
  }
})

describe("A lease", () => {
  it("with a fencing token lets one write at a time", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const outcome = Simulation.run(scenario(true), seed)
      assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
    }
  })

  it("without one does not, which few faults show", () => {
    const found = Array.from({ length: 20 }, (_, at) => Simulation.run(scenario(false), at + 1))
      .find(({ violation }) => violation !== undefined)

    assert.strictEqual(found?.violation?.invariant, "one holder at a time")
    if (found !== undefined) assert.isAtMost(Simulation.shrink(scenario(false), found).plan.length, 3)
  })
})
