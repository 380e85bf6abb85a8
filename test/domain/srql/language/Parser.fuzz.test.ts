import { assert, describe, it } from "@effect/vitest"
import { judge } from "./judge.ts"
import { damaged, generator } from "./queries.ts"

const texts = Number(process.env["SRQL_FUZZ_TEXTS"] ?? 200_000)
const seed = Number(process.env["SRQL_FUZZ_SEED"] ?? 1)

describe("Parser", () => {
  it(`answers or refuses with a place, ${texts} times from seed ${seed}`, () => {
    const random = generator(seed)
    let answered = 0
    for (let count = 0; count < texts; count++) if (judge(damaged(random))) answered += 1

    assert.isTrue(answered > texts / 50 && answered < texts, `${answered} of ${texts} were answered`)
  })
})
