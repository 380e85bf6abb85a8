import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ChildList } from "../../../src/domain/supervision/ChildList.ts"
import type { ChildState } from "../../../src/domain/supervision/ChildState.ts"
import { parameters } from "./SupervisorCommands.ts"

const child = (id: string, generation: number): ChildState => ({
  id,
  kind: "worker",
  restart: "permanent",
  significant: false,
  delayed: false,
  status: "running",
  generation
})

const step = fc.record({
  /** Which of the lists made so far is changed. */
  from: fc.nat(),
  change: fc.constantFrom("append", "replace", "remove"),
  id: fc.nat(60).map(String)
})

const changed = (children: ReadonlyArray<ChildState>, change: string, next: ChildState): ReadonlyArray<ChildState> => {
  switch (change) {
    case "append":
      return [...children, next]
    case "replace":
      return children.map((other) => other.id === next.id ? next : other)
    default:
      return children.filter((other) => other.id !== next.id)
  }
}

describe("A list of children", () => {
  it("is a value: every list made on the way keeps saying what it said", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const first = Array.from({ length: 40 }, (_, index) => child(`${index}`, 0))
        const made = [{ list: ChildList.of(first), plain: first as ReadonlyArray<ChildState> }]
        steps.forEach(({ change, from, id }, generation) => {
          const before = made[from % made.length]
          if (before === undefined) return
          const next = child(id, generation + 1)
          const isIn = before.plain.some((other) => other.id === id)
          if (change === "append" && isIn) return
          const list = change === "append"
            ? before.list.append(next)
            : change === "replace"
            ? before.list.replace(next)
            : before.list.remove(id)
          made.push({ list, plain: changed(before.plain, change, next) })
        })

        for (const { list, plain } of made) {
          assert.deepStrictEqual(list.toArray(), plain)
          assert.strictEqual(list.size, plain.length)
          const some = plain[Math.floor(plain.length / 2)]
          if (some !== undefined) {
            assert.strictEqual(list.find(some.id), some)
            assert.deepStrictEqual(list.fromChild(some.id), plain.slice(plain.indexOf(some)))
          }
          assert.isUndefined(list.find("none"))
        }
      }),
      parameters(300)
    )
  })
})
