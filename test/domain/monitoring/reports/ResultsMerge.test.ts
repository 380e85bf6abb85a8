import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as ResultsMerge from "../../../../src/domain/monitoring/reports/ResultsMerge.ts"

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const merge = (chunks: ReadonlyArray<unknown>, serviceType = "sync"): unknown => {
  const merged = chunks.reduce<Result.Result<ResultsMerge.ResultsMerge, ResultsMerge.MergeError>>(
    (state, chunk) => Result.flatMap(state, (current) => ResultsMerge.add(current, encode(chunk))),
    Result.succeed(ResultsMerge.empty)
  )
  return JSON.parse(new TextDecoder().decode(ResultsMerge.finish(Result.getOrThrow(merged), serviceType)))
}

const listKeys = ["hosts", "devices", "results", "entries", "data"] as const

/** What a peer may send as one chunk, with what a plain reading of it brings. */
interface Chunk {
  readonly text: string
  readonly devices: ReadonlyArray<unknown>
  /** Undefined of an array. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
}

const metadataKeys = fc.constantFrom("network", "total_hosts", "__proto", "ports", "host")
const metadata = fc.dictionary(metadataKeys, fc.jsonValue(), { maxKeys: 3 })
const devices = fc.array(fc.record({ ip: fc.ipV4(), n: fc.integer() }), { maxLength: 4 })

const arrayChunk: fc.Arbitrary<Chunk> = devices.map((list) => ({
  text: JSON.stringify(list),
  devices: list,
  metadata: undefined
}))

/** The devices as a list, as the values of an object, or as a list in a text. */
const objectChunk: fc.Arbitrary<Chunk> = fc.record({
  list: devices,
  others: metadata,
  key: fc.constantFrom(...listKeys),
  form: fc.constantFrom("list", "values", "text", "nothing", "absent")
}).map(({ form, key, list, others }) => {
  const value = {
    list,
    values: Object.fromEntries(list.map((device, index) => [`d${index}`, device])),
    text: JSON.stringify(list),
    nothing: null,
    absent: undefined
  }[form]
  return {
    text: JSON.stringify({ ...others, [key]: value }),
    devices: form === "nothing" || form === "absent" ? [] : list,
    metadata: others
  }
})

/** No data at all, which counts as no chunk. */
const emptyChunk: fc.Arbitrary<Chunk> = fc.constant({ text: "", devices: [], metadata: undefined })

describe("ResultsMerge", () => {
  it("brings what a plain reading of all chunks brings, in whatever forms and however they were cut", () => {
    const chunks = fc.array(fc.oneof(arrayChunk, objectChunk, emptyChunk), { maxLength: 6 })
    fc.assert(fc.property(chunks, fc.constantFrom("sync", "sweep", "grpc"), (all, serviceType) => {
      const merged = all.reduce<Result.Result<ResultsMerge.ResultsMerge, ResultsMerge.MergeError>>(
        (state, { text }) => Result.flatMap(state, (one) => ResultsMerge.add(one, new TextEncoder().encode(text))),
        Result.succeed(ResultsMerge.empty)
      )
      const result: unknown = JSON.parse(
        new TextDecoder().decode(ResultsMerge.finish(Result.getOrThrow(merged), serviceType))
      )
      const plain = all.flatMap((chunk) => chunk.devices)
      const described = all.find(({ text }) => text !== "")?.metadata
      const expected = serviceType === "sweep" && described !== undefined ? { ...described, hosts: plain } : plain
      assert.deepStrictEqual(result, JSON.parse(JSON.stringify(expected)))
    }))
  })

  it("merges arrays into their concatenation, however they were cut", () => {
    fc.assert(fc.property(fc.array(fc.array(fc.jsonValue())), (chunks) => {
      assert.deepStrictEqual(merge(chunks), JSON.parse(JSON.stringify(chunks.flat())))
    }))
  })

  it("keeps every digit of whole numbers", () => {
    const text = (chunk: string, serviceType: string): string => {
      const added = ResultsMerge.add(ResultsMerge.empty, new TextEncoder().encode(chunk))
      return new TextDecoder().decode(ResultsMerge.finish(Result.getOrThrow(added), serviceType))
    }

    assert.strictEqual(text(`{"devices":[{"v":18446744073709551615}]}`, "sync"), `[{"v":18446744073709551615}]`)
    assert.include(text(`{"total":9007199254740993,"hosts":[]}`, "sweep"), `"total":9007199254740993`)
  })

  it("gives a sweep its first chunk's description and the hosts of all", () => {
    assert.deepStrictEqual(
      merge([{ network: "a", hosts: [1, 2] }, { network: "b", hosts: [3] }, { hosts: null }], "sweep"),
      { network: "a", hosts: [1, 2, 3] }
    )
    assert.deepStrictEqual(merge([{}], "sweep"), { hosts: [] })
  })

  it("finds devices under every key that peers use, and as values, text or nothing", () => {
    assert.deepStrictEqual(
      merge([{ devices: { a: 1, b: 2 } }, { results: "[3]" }, { entries: [4] }, { data: null }, {
        hosts: 7,
        data: [5]
      }]),
      [1, 2, 3, 4, 5]
    )
  })

  it("is an empty array without chunks or data", () => {
    assert.deepStrictEqual(merge([]), [])
    assert.isTrue(ResultsMerge.isEmpty(Result.getOrThrow(ResultsMerge.add(ResultsMerge.empty, new Uint8Array()))))
  })

  it("refuses chunks that are neither an array nor an object", () => {
    for (const data of ["5", "\"x\"", "null", "{", "[".repeat(200_000) + "]".repeat(200_000)]) {
      const error = Result.getFailure(ResultsMerge.add(ResultsMerge.empty, new TextEncoder().encode(data)))
      assert.isTrue(Option.isSome(error))
    }
  })
})
