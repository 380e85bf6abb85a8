import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { realPayloads } from "./realPayloads.ts"
import { message } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const textOf = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)

describe("Payloads as the field documents them", () => {
  it.each(realPayloads.map((one) => [one.name, one] as const))("%s", (_, { payload, row, subject, within = {} }) => {
    const data = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload))
    const { content, refused } = Result.getOrThrow(decode(message(subject, data)))
    const first: Readonly<Record<string, unknown>> = { ...content.rows[0] }

    assert.deepStrictEqual(refused, [])
    assert.deepStrictEqual(Object.fromEntries(Object.keys(row).map((key) => [key, first[key]])), row)
    for (const [column, text] of Object.entries(within)) assert.include(textOf(first[column]), text, column)
  })
})
