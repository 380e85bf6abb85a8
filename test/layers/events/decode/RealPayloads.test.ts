import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { realLogs, realPayloads } from "./realPayloads.ts"
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

/** By the name that a log of this severity has; of others nothing is said. */
const severities: Readonly<Record<string, ReadonlyArray<number>>> = {
  TRACE: [1],
  DEBUG: [1],
  INFO: [0, 1, 2],
  WARN: [3],
  ERROR: [4],
  FATAL: [5, 6]
}

const firstRow = (subject: string, payload: object | string): Readonly<Record<string, unknown>> => {
  const data = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload))
  return { ...Result.getOrThrow(decode(message(subject, data))).content.rows[0] }
}

describe("The logs of the field, on a subject of events", () => {
  it.each(realLogs.map((one) => [one.name, one] as const))("%s: as old, as bad and of the same text", (_, one) => {
    const log = firstRow(one.subject, one.payload)
    const event = firstRow("events.app", one.payload)

    assert.strictEqual(event["time"], log["timestamp"])
    assert.include(severities[String(log["severity_text"])] ?? [0, 1, 2, 3, 4, 5, 6], event["severity_id"])
    if (log["body"] !== one.subject) assert.strictEqual(event["message"], log["body"])
  })
})
