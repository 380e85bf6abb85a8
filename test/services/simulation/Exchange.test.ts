import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Exchange } from "../../../src/services/simulation/Exchange.ts"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"

/** What the log has between the two. */
const lines = (describe?: (request: number) => string | undefined): ReadonlyArray<string> => {
  const world = new World({ seed: 1 })
  const network = new Network(world, Link.lan)
  const exchange = new Exchange<number, number>(network, "80", describe === undefined ? {} : { describe })
  const answer = (number: number) =>
    number === 2 ? Effect.fail("no") : number === 3 ? Effect.never : Effect.succeed(number)
  world.addHost("b", { program: () => Effect.scoped(Effect.andThen(exchange.serve(answer), Effect.never)) }).start()
  world.addHost("a", {
    program: () =>
      Effect.scoped(Effect.flatMap(exchange.client("b"), ({ ask, tell }) =>
        Effect.gen(function*() {
          yield* Effect.sleep("1 second")
          yield* ask(1)
          tell(4)
          yield* Effect.ignore(ask(2))
          yield* Effect.timeoutOption(ask(3), "1 second")
          return yield* Effect.never
        })))
  }).start()
  world.runUntil(10_000)
  return world.log.latest(100).filter(({ peer }) => peer === "b").map(({ text }) => text)
}

describe("An exchange", () => {
  it("has its requests and their ends in the log as it is told to describe them", () => {
    assert.deepStrictEqual(lines((number) => `number ${number}`), [
      "number 1",
      "number 1 answered",
      "number 4",
      "number 2",
      "number 2 got no answer",
      "number 3",
      "number 3 given up"
    ])
  })

  it("has those alone that it is told of", () => {
    assert.deepStrictEqual(lines((number) => number === 1 ? "one" : undefined), ["one", "one answered"])
    assert.deepStrictEqual(lines(), [])
  })
})
