import { assert, describe, it } from "@effect/vitest"
import type { DeadLetter } from "../../../src/domain/events/stream/DeadLetter.ts"
import * as DeadLetterText from "../../../src/layers/terminal/DeadLetterText.ts"
import * as HexDump from "../../../src/layers/terminal/HexDump.ts"
import * as JsonText from "../../../src/layers/terminal/JsonText.ts"
import * as Style from "../../../src/layers/terminal/Style.ts"

const nowMillis = Date.UTC(2026, 0, 2, 3, 4, 5)

const letter = (fields: Partial<DeadLetter> = {}): DeadLetter => {
  const data = fields.data ?? Buffer.from("{\"value\":\"high\",\"time\":1764012345678901234}")
  return {
    id: "TELEMETRY.events.17.1767323045123456",
    stream: "TELEMETRY",
    subject: "telemetry.snmp",
    jetStream: "events",
    sequence: 17,
    storedAtMicros: (nowMillis - 60_000) * 1_000 + 123_456,
    deliveries: 1,
    failure: { reason: "decode", error: "expected a number", place: "value" },
    deadLetteredAtMillis: nowMillis - 59_000,
    bytes: data.length,
    headers: [["Nats-Msg-Id", "a-1"], ["x-tenant-id", "acme"]],
    ...fields,
    data
  }
}

describe("A table of dead letters", () => {
  it("shows whole ids, where and why", () => {
    assert.deepStrictEqual(
      DeadLetterText.table([letter()], { style: Style.plain, nowMillis, columns: 200 }),
      [
        "ID                                    AGE  REASON  SUBJECT         PLACE  ERROR",
        "TELEMETRY.events.17.1767323045123456  59s  decode  telemetry.snmp  value  expected a number"
      ]
    )
  })

  it("lets no control character through", () => {
    const [, line = ""] = DeadLetterText.table(
      [letter({ subject: "a\u001b[31mb", failure: { reason: "rejected", error: "two\nlines", place: "" } })],
      { style: Style.plain, nowMillis, columns: 200 }
    )

    assert.match(line, /rejected {2}a\[31mb {2}.* two lines$/)
  })
})

describe("One dead letter", () => {
  it("shows everything and its payload as indented JSON with numbers as they were written", () => {
    assert.deepStrictEqual(DeadLetterText.details(letter(), Style.plain), [
      "id        TELEMETRY.events.17.1767323045123456",
      "subject   telemetry.snmp",
      "stream    TELEMETRY",
      "sequence  17 of events",
      "stored    2026-01-02T03:03:05.123456Z",
      "set aside 2026-01-02T03:03:06.000000Z, after 1 delivery",
      "reason    decode",
      "place     value",
      "error     expected a number",
      "",
      "headers",
      "  Nats-Msg-Id  a-1",
      "  x-tenant-id  acme",
      "",
      "payload, 43 bytes, JSON",
      "{",
      "  \"value\": \"high\",",
      "  \"time\": 1764012345678901234",
      "}"
    ])
  })

  it("shows text as text and other bytes in hex, the first 4 KiB of them", () => {
    const text = DeadLetterText.details(letter({ data: Buffer.from("not\njson") }), Style.plain)
    const binary = DeadLetterText.details(letter({ data: Buffer.alloc(5_000, 0xff), headers: [] }), Style.plain)

    assert.deepStrictEqual(text.slice(-3), ["payload, 8 bytes, text", "not", "json"])
    assert.include(binary, "no headers")
    assert.include(binary, "payload, 5,000 bytes, binary")
    assert.include(binary, `00000ff0  ${"ff ".repeat(8)} ${"ff ".repeat(8)} |${".".repeat(16)}|`)
    assert.strictEqual(binary.at(-1), "… and 904 more bytes: --raw has all")
  })

  it("shows JSON that nests too deeply as it is", () => {
    const text = "[".repeat(500_000) + "]".repeat(500_000)

    assert.strictEqual(DeadLetterText.details(letter({ data: Buffer.from(text) }), Style.plain).at(-1), text)
  })

  it("is exact in JSON", () => {
    const data = Buffer.from([0xff, 0x00])

    const { dataBase64, text, ...rest } = DeadLetterText.detailsJson(letter({ data }))

    assert.strictEqual(dataBase64, "/wA=")
    assert.isUndefined(text)
    assert.deepStrictEqual(rest, {
      id: "TELEMETRY.events.17.1767323045123456",
      stream: "TELEMETRY",
      subject: "telemetry.snmp",
      jetStream: "events",
      sequence: 17,
      storedAt: "2026-01-02T03:03:05.123456Z",
      deadLetteredAt: "2026-01-02T03:03:06.000000Z",
      deliveries: 1,
      reason: "decode",
      place: "value",
      error: "expected a number",
      bytes: 2,
      headers: [["Nats-Msg-Id", "a-1"], ["x-tenant-id", "acme"]]
    })
  })
})

describe("HexDump", () => {
  it("shows offset, bytes and what is ASCII", () => {
    assert.deepStrictEqual(HexDump.draw(Buffer.from("flow\u0000\u0001ABCDEFGHIJKLM"), 1_000), [
      "00000000  66 6c 6f 77 00 01 41 42  43 44 45 46 47 48 49 4a  |flow..ABCDEFGHIJ|",
      "00000010  4b 4c 4d                                          |KLM|"
    ])
  })
})

describe("JsonText", () => {
  it("indents as JSON.stringify does", () => {
    const value = { a: [1, { b: "x{,\\\"}" }], c: {}, d: [], e: null, f: [[], [true]], g: "" }

    assert.strictEqual(JsonText.indent(JSON.stringify(value)), JSON.stringify(value, null, 2))
    assert.strictEqual(JsonText.indent("  [ 1.50 , 1e3 ] "), "[\n  1.50,\n  1e3\n]")
    assert.strictEqual(JsonText.indent("7"), "7")
  })
})
