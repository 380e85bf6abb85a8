import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { DecodeError } from "../../../../src/domain/events/decode/DecodeError.ts"
import { tables } from "../../../../src/domain/events/rows/Tables.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { message, samples } from "./samples.ts"

const mutations = Number(process.env["EVENT_FUZZ_MUTATIONS"] ?? 100_000)
const seed = Number(process.env["EVENT_FUZZ_SEED"] ?? 1)

/** Mulberry32: numbers below `bound`, the same for the same seed. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

type Random = ReturnType<typeof generator>

/** Pieces that readers of JSON and protobuf stumble over. */
const pieces = [
  "null",
  "{}",
  "[",
  "\"",
  "\\u0000",
  "\\ud800",
  "1e999",
  "-0",
  "\"__proto__\":{},",
  "99999999999999999999999",
  "false",
  "\u0000",
  "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u0001"
].map((piece) => Buffer.from(piece, "latin1"))

const cut = (data: Buffer, random: Random): readonly [Buffer, Buffer, Buffer] => {
  const from = random(data.length + 1)
  const to = Math.min(data.length, from + random(20))
  return [data.subarray(0, from), data.subarray(from, to), data.subarray(to)]
}

const changes: ReadonlyArray<(data: Buffer, random: Random) => Buffer> = [
  (data, random) => {
    const copy = Buffer.from(data)
    copy[random(copy.length)] = random(256)
    return copy
  },
  (data, random) => {
    const copy = Buffer.from(data)
    const at = random(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8))
    return copy
  },
  (data, random) => data.subarray(0, random(data.length)),
  (data, random) => {
    const [before, , after] = cut(data, random)
    return Buffer.concat([before, after])
  },
  (data, random) => {
    const [before, middle, after] = cut(data, random)
    return Buffer.concat([before, middle, middle, after])
  },
  (data, random) => {
    const [before, middle, after] = cut(data, random)
    const piece = pieces[random(pieces.length)] ?? Buffer.alloc(0)
    return Buffer.concat(random(2) === 0 ? [before, piece, after] : [before, middle, piece, after])
  },
  (data, random) => {
    // A value in JSON becomes another: the text stays valid, only the shape is wrong.
    const found = [...data.toString("latin1").matchAll(/:("[^"]*"|\d+(?:\.\d+)?|true|false|\[[^[\]]*\])/g)]
    const one = found[random(Math.max(1, found.length))]
    if (one === undefined) return data
    const piece = ["null", "{}", "[]", "\"\"", "-1", "1e300", "{\"a\":[1]}", "true", "\"\\u0000\""][random(9)] ?? ""
    return Buffer.concat([
      data.subarray(0, one.index + 1),
      Buffer.from(piece),
      data.subarray(one.index + one[0].length)
    ])
  }
]

const mutate = (data: Uint8Array, random: Random): Buffer => {
  let mutated = Buffer.from(data)
  for (let left = 1 + random(3); left > 0; left--) {
    if (mutated.length > 0) mutated = Buffer.from(changes[random(changes.length)]?.(mutated, random) ?? mutated)
  }
  return mutated
}

/** Why PostgreSQL would refuse the value, or nothing. */
const unfit = (type: string, nullable: boolean, value: unknown): string | undefined => {
  if (value === null) return nullable ? undefined : "null"
  if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) return "unfit text"
  switch (type) {
    case "int4":
      return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31 ? undefined : "no int4"
    case "int8":
      return typeof value === "bigint" && BigInt.asIntN(64, value) === value ? undefined : "no int8"
    case "timestamptz":
      return typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 4e17 ? undefined : "no time"
    case "float8":
      return typeof value === "number" ? undefined : "no number"
    case "boolean":
      return typeof value === "boolean" ? undefined : "no boolean"
    case "jsonb": {
      const text = typeof value === "string" ? value : JSON.stringify(value)
      return /^[[{]/.test(text) && !/\\u(?:0000|d[89a-f])/.test(text) ? undefined : "no document"
    }
    case "uuid":
      return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
        ? undefined
        : "no uuid"
    case "text[]":
      return Array.isArray(value) ? undefined : "no list"
    default:
      return typeof value === "string" ? undefined : `no text but ${typeof value}`
  }
}

const columns = new Map(
  Object.values(tables).map((table) =>
    [table.name, Object.entries<{ readonly type: string; readonly nullable: boolean }>(table.columns)] as const
  )
)

const unfitIn = (table: string, row: object): ReadonlyArray<string> => {
  const described = columns.get(table) ?? []
  const values = new Map<string, unknown>(Object.entries(row))
  if (values.size !== described.length) return [`${values.size} columns`]
  return described.flatMap(([name, { type, nullable }]) => {
    const why = unfit(type, nullable, values.get(name))
    return why === undefined ? [] : [`${name}: ${why}: ${String(values.get(name))}`]
  })
}

describe("EventDecoder with damaged messages", () => {
  const decode = EventDecoder.make({ tenantDefault: "acme" })
  const each = Math.ceil(mutations / samples.length)

  it.each(samples)("answers with rows that fit their table or a typed error: %s", (name, subject, data) => {
    const random = generator(seed + samples.findIndex((sample) => sample[0] === name))
    let refused = 0
    for (let round = 0; round < each; round++) {
      const mutated = mutate(data, random)
      const decoded = decode(message(subject, mutated))
      if (Result.isSuccess(decoded)) {
        const { table, rows } = decoded.success.content
        const bad = rows.flatMap((row) => unfitIn(table, row))
        if (bad.length > 0) assert.fail(`${bad.join(", ")} from ${JSON.stringify(mutated.toString("latin1"))}`)
      } else {
        refused++
        assert.instanceOf(decoded.failure, DecodeError)
        assert.match(decoded.failure.path, /^\$/)
        assert.notStrictEqual(decoded.failure.reason, "")
      }
    }

    assert.isAbove(refused, 0)
    assert.isBelow(refused, each)
  })
})
