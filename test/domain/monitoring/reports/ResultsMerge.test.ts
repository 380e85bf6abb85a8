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

describe("ResultsMerge", () => {
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
