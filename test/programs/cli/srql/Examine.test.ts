import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import { coreCatalog } from "../../../../src/domain/core/CoreCatalog.ts"
import * as Examine from "../../../../src/programs/cli/srql/Examine.ts"

const marked = (text: string) =>
  Effect.map(
    Examine.examine(text, Option.none()),
    (answer) => Result.isFailure(answer) ? Examine.marked(text, answer.failure).split("\n") : []
  )

describe("A query that is refused", () => {
  it.effect("is shown with a mark below what was wrong", () =>
    Effect.gen(function*() {
      const [line, mark, message] = yield* marked("in:devices limit:0")
      assert.strictEqual(line, "in:devices limit:0")
      assert.strictEqual(mark, "                 ^")
      assert.include(message, "at 18")
    }))

  it.effect("is shown around that place when it is long, whatever is wrong with how much of it", () =>
    Effect.gen(function*() {
      const before = "hostname:a ".repeat(50)
      const [line = "", mark = ""] = yield* marked(`in:devices ${before}foo:1 ${before}`)
      assert.isAtMost(line.length, 100)
      assert.strictEqual(line.slice(mark.indexOf("^"), mark.length), "foo")
      const [long = "", all = ""] = yield* marked(`in:devices ${"(".repeat(4000)}`)
      assert.isAtMost(long.length, 100)
      assert.isAtMost(all.length, long.length)
      assert.strictEqual(all.indexOf("^"), long.indexOf("("))
    }))
})

describe("Every entity", () => {
  it.effect("can be examined, as an operator would ask for it", () =>
    Effect.gen(function*() {
      for (const { document, name } of coreCatalog.entities) {
        assert.deepStrictEqual(yield* marked(`in:${name}${document === null ? "" : ` ${document.of}:x`}`), [], name)
      }
    }))
})
