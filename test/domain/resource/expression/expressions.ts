/** Random records and expressions over them, of which any value can be null. */
import { DateTime } from "effect"
import * as E from "../../../../src/domain/resource/expression/Expression.ts"
import type { Kind, Value } from "../../../../src/domain/resource/expression/Kind.ts"
import type { Source, Values } from "../../../../src/domain/resource/expression/Node.ts"

/** A number below `bound`. */
export type Random = (bound: number) => number

/** Columns of the table, and names of what actor and arguments hold, by kind. */
export const names: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  text: ["title", "note"],
  integer: ["count", "size"],
  float: ["share", "load"],
  boolean: ["open", "done"],
  instant: ["seen", "due"],
  uuid: ["id", "owner"],
  text_list: ["tags", "groups"]
}

export const kinds = Object.keys(names).filter((kind): kind is Kind => kind in names)

const texts = [
  "",
  "a",
  "A",
  "ab",
  "b%",
  "a_b",
  "é",
  "Ä",
  "ß",
  "\uFFFD",
  "\u{1F600}",
  "\uE000",
  "a\\b",
  "'",
  "\"",
  "z\n",
  "İ"
]
const integers = [0, 1, -1, 2, 60_000, 86_400_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 4_000_000_000_000]
const floats = [0, -0, 1, 0.5, -1.5, 1e300, -1e-300, 5e-324, 2 ** 53, 86_400_000.5]
const uuids = [
  "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10",
  "0B0D7C9E-6A52-4A7E-9C55-2F7A3A5A9D10",
  "ffffffff-ffff-4fff-8fff-ffffffffffff",
  "00000000-0000-0000-0000-000000000000"
]
const instants = [
  "0001-01-01T00:00:00Z",
  "1969-12-31T23:59:59.999Z",
  "2026-03-01T12:00:00Z",
  "2026-03-01T11:59:59.999Z",
  "9999-12-31T23:59:59Z"
]
  .map((text) => DateTime.makeUnsafe(text))

export const now = DateTime.makeUnsafe("2026-03-01T12:00:00Z")

export const pick = <A>(
  random: Random,
  [first, ...others]: readonly [A, ...ReadonlyArray<A>] | ReadonlyArray<A>
): A => {
  const all = first === undefined ? [] : [first, ...others]
  const one = all[random(all.length)] ?? first
  if (one === undefined) throw new Error("There is nothing to pick from")
  return one
}

export const valueOf = (kind: Kind, random: Random): Value => {
  switch (kind) {
    case "text":
      return pick(random, texts)
    case "integer":
      return pick(random, integers)
    case "float":
      return pick(random, floats)
    case "boolean":
      return random(2) === 0
    case "instant":
      return pick(random, instants)
    case "uuid":
      return pick(random, uuids)
    case "text_list":
      return Array.from({ length: random(3) }, () => pick(random, texts))
  }
}

/** A quarter of all values is null. */
export const valuesOf = (random: Random): Values =>
  Object.fromEntries(
    kinds.flatMap((kind) => names[kind].map((name) => [name, random(4) === 0 ? null : valueOf(kind, random)]))
  )

export class Expressions {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  any(depth: number): E.Expression<Value> {
    switch (pick(this.#random, kinds)) {
      case "text":
        return this.text(depth)
      case "integer":
      case "float":
        return this.number(depth)
      case "boolean":
        return this.condition(depth)
      case "instant":
        return this.instant(depth)
      case "uuid":
        return this.#leaf<string>("uuid")
      case "text_list":
        return this.#leaf<ReadonlyArray<string>>("text_list")
    }
  }

  condition(depth: number): E.Condition {
    if (depth === 0) return this.#leaf<boolean>("boolean")
    const below = depth - 1
    switch (this.#random(12)) {
      case 0:
        return E.and(...this.#some(() => this.condition(below)))
      case 1:
        return E.or(...this.#some(() => this.condition(below)))
      case 2:
        return E.not(this.condition(below))
      case 3:
        return E.isNull(this.any(below))
      case 4:
        return E.has(this.#leaf<ReadonlyArray<string>>("text_list"), this.text(below))
      case 5:
        return this.#textTest(this.text(below), this.#textOperand(this.text(below)))
      case 6:
        return E.oneOf(this.text(below), this.#some(() => this.text(below)))
      case 7:
        return E.oneOf(this.number(below), this.#some(() => this.number(below)))
      case 8:
        return this.#compared(this.text(below), this.text(below))
      case 9:
        return this.#compared(this.number(below), this.#numberOperand(this.number(below)))
      case 10:
        return this.#compared(this.instant(below), this.instant(below))
      default:
        return this.#compared(this.#uuidOrText(below), this.#uuidOrText(below))
    }
  }

  text(depth: number): E.Expression<string> {
    if (depth === 0) return this.#leaf<string>("text")
    const below = depth - 1
    switch (this.#random(5)) {
      case 0:
        return E.lower(this.#uuidOrText(below))
      case 1:
        return E.concat(...this.#some(() => this.#uuidOrText(below)))
      case 2:
        return E.coalesce(this.#uuidOrText(below), ...this.#some(() => this.text(below)))
      case 3:
        return E.choose(this.#some(() => [this.condition(below), this.text(below)] as const), this.text(below))
      default:
        return this.#leaf<string>("text")
    }
  }

  number(depth: number): E.Expression<number> {
    if (depth === 0) return this.#leaf<number>(this.#random(2) === 0 ? "integer" : "float")
    const below = depth - 1
    switch (this.#random(4)) {
      case 0:
        return E.length(this.#uuidOrText(below))
      case 1:
        return E.coalesce(this.number(below), this.number(below))
      case 2:
        return E.choose([[this.condition(below), this.number(below)]], this.number(below))
      default:
        return this.number(0)
    }
  }

  instant(depth: number): E.Expression<DateTime.Utc> {
    if (depth === 0) return this.#random(4) === 0 ? E.now : this.#leaf<DateTime.Utc>("instant")
    switch (this.#random(4)) {
      case 0:
        return E.later(this.#leaf<DateTime.Utc>("instant"), this.#leaf<number>("integer"))
      case 1:
        return E.ago(this.#random(3) * 500)
      case 2:
        return E.choose([[this.condition(depth - 1), this.instant(depth - 1)]], this.instant(depth - 1))
      default:
        return this.instant(0)
    }
  }

  #uuidOrText(depth: number): E.Expression<string> {
    return this.#random(2) === 0 ? this.#leaf<string>("uuid") : this.text(depth)
  }

  #leaf<V extends Value>(kind: Kind): E.Expression<V> {
    const source = pick<Source>(this.#random, ["record", "record", "record", "actor", "arguments"])
    return E.reference<V>(source, pick(this.#random, names[kind]), kind)
  }

  /** Sometimes a plain value. */
  #textOperand(otherwise: E.Expression<string>): E.Operand<string> {
    return this.#random(2) === 0 ? otherwise : pick(this.#random, texts)
  }

  #numberOperand(otherwise: E.Expression<number>): E.Operand<number> {
    return this.#random(2) === 0 ? otherwise : pick(this.#random, [...integers, ...floats])
  }

  #some<A>(make: () => A): ReadonlyArray<A> {
    return Array.from({ length: this.#random(4) }, make)
  }

  #compared<V extends E.Ordered>(left: E.Expression<V>, right: E.Operand<NoInfer<V>>): E.Condition {
    const comparison = pick(this.#random, [
      E.equals,
      E.differs,
      E.lessThan,
      E.atMost,
      E.greaterThan,
      E.atLeast,
      E.same
    ])
    return comparison<V>(left, right)
  }

  #textTest(text: E.Expression<string>, what: E.Operand<string>): E.Condition {
    return pick(this.#random, [E.contains, E.startsWith, E.endsWith])(text, what)
  }
}
