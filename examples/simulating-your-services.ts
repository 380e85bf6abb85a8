/**
 * Two services in a simulated world: a till that sends sales to a shop's books, and the books, which must hold each sale
 * once. The first version of the books breaks that promise, and the simulation says by which faults.
 *
 *   node examples/simulating-your-services.ts
 */
// In your own project: from "serviceradar-effect/simulation".
import { Console, Effect, Schedule } from "effect"
import { Exchange, FaultPlan, Faults, lan, Network, Simulation, World } from "../src/services/simulation/index.ts"

interface Sale {
  readonly id: string
  readonly price: number
}

type Books = "forget ids" | "know ids"

const minutes = 10
const sales = 200

/** Sends each sale until the books have taken it. */
const till = (exchange: Exchange<Sale, true>) =>
  Effect.scoped(Effect.flatMap(exchange.client("books"), (client) =>
    Effect.gen(function*() {
      for (let number = 1; number <= sales; number += 1) {
        yield* client.ask({ id: `sale-${number}`, price: number }).pipe(
          Effect.timeout("1 second"),
          Effect.retry(Schedule.spaced("500 millis"))
        )
        yield* Effect.sleep("1 second")
      }
      return yield* Effect.never
    })))

const scenario = (version: Books): Simulation.Scenario => ({
  plan: (random) =>
    FaultPlan.draw(random, {
      profile: "hostile",
      kinds: Faults.kinds(["books"], [["till", "books"]]),
      hosts: 10,
      fromMillis: 1_000,
      untilMillis: (minutes - 5) * 60_000
    }),
  build: (seed, plan) => {
    const world = new World({ seed })
    const network = new Network(world, lan)
    const exchange = new Exchange<Sale, true>(network, "8080", { describe: ({ id }) => id })
    // What is on the disk of the books' host outlives its processes.
    const written: Array<Sale> = []
    const write = (sale: Sale) =>
      Effect.map(Effect.sleep("20 millis"), (): true => {
        const isKnown = version === "know ids" && written.some(({ id }) => id === sale.id)
        if (!isKnown) written.push(sale)
        return true
      })
    world.addHost("books", { program: () => Effect.scoped(Effect.andThen(exchange.serve(write), Effect.never)) })
      .start()
    world.addHost("till", { program: () => till(exchange) }).start()
    Faults.carryOut(plan, { world, network })
    world.watch(
      "each sale is in the books once",
      () => new Set(written.map(({ id }) => id)).size === written.length ? undefined : `${written.at(-1)?.id} twice`
    )
    return {
      world,
      endMillis: minutes * 60_000,
      healed: [{
        name: "every sale is in the books",
        broken: () => written.length === sales ? undefined : `${written.length} of ${sales} are`
      }]
    }
  }
})

const tryOut = (version: Books) =>
  Effect.gen(function*() {
    for (let seed = 1; seed <= 20; seed += 1) {
      const outcome = Simulation.run(scenario(version), seed)
      if (outcome.violation === undefined) continue
      const lines = Simulation.report(Simulation.shrink(scenario(version), outcome))
      return yield* Console.log(`books that ${version}: ${lines.slice(0, 3).join("\n")}`)
    }
    return yield* Console.log(`books that ${version}: 20 seeds, nothing broke`)
  })

const program = Effect.andThen(tryOut("forget ids"), tryOut("know ids"))

await Effect.runPromise(program)
