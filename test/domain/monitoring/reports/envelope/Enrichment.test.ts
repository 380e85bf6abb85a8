import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { ServiceType } from "../../../../../src/domain/monitoring/Ids.ts"
import * as Enrichment from "../../../../../src/domain/monitoring/reports/envelope/Enrichment.ts"

const host = { ip: Option.some("198.51.100.7"), name: "edge-host" }

const enrich = (message: string, about: { serviceType?: string; details?: string } = {}): string =>
  Option.match(
    Enrichment.enrich(
      Enrichment.targetOf({
        serviceType: ServiceType.make(about.serviceType ?? "port"),
        details: about.details ?? "",
        host
      }),
      message
    ),
    { onNone: () => message, onSome: (enriched) => Enrichment.jsonOf(enriched, message) }
  )

const both = { host_ip: "198.51.100.7", ip: "198.51.100.7", host_name: "edge-host", hostname: "edge-host" }

describe("Enrichment", () => {
  it("adds the checked host to a port check as core knows it", () => {
    const target = { host_ip: "192.0.2.10", ip: "192.0.2.10", host_name: "192.0.2.10", hostname: "192.0.2.10" }

    assert.deepStrictEqual(
      JSON.parse(enrich("{\"host\":\"192.0.2.10\",\"port\":22}", { details: "192.0.2.10:22" })),
      { host: "192.0.2.10", port: 22, ...target, status: target }
    )
  })

  it("keeps every digit of whole numbers", () => {
    const big = ["9007199254740993", "-18446744073709551615", "123456789012345678901234567890"]
    for (const digits of big) {
      for (
        const message of [`{"v":${digits}}`, `{"v":[1.5,${digits}]}`, `{"status":{"v":${digits}},"s":"${digits}"}`]
      ) {
        const text = enrich(message)
        assert.match(text, new RegExp(`[:,]${digits}[\\]},]`), text)
        assert.include(text, `"hostname":"edge-host"`)
        assert.strictEqual(text.includes(`"${digits}"`), message.includes(`"${digits}"`))
      }
    }
    assert.deepStrictEqual(JSON.parse(enrich("12345678901234567")).message, "12345678901234567")
    assert.include(enrich(`{"v":1.25e300}`), `{"v":1.25e300,`)
  })

  it("adds the agent's host where the details name none, and moves a status that is no object", () => {
    assert.deepStrictEqual(JSON.parse(enrich("{\"status\":\"active\"}", { details: "nginx" })), {
      status_text: "active",
      ...both,
      status: both
    })
  })

  it("replaces nothing that the message says itself", () => {
    assert.deepStrictEqual(JSON.parse(enrich("{\"status\":{\"host_ip\":\"10.0.0.1\",\"hostname\":\"own\"}}")), {
      status: { host_ip: "10.0.0.1", hostname: "own" }
    })
  })

  it("survives every message, and keeps what is no object as a message", () => {
    assert.deepStrictEqual(JSON.parse(enrich("null")), { ...both, status: both })
    assert.deepStrictEqual(JSON.parse(enrich("\u0001garbage")), { message: "\u0001garbage", ...both, status: both })
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      assert.doesNotThrow(() => JSON.parse(enrich(text)))
    }))
  })

  it("changes nothing when applied twice", () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (message) => {
      const once = enrich(JSON.stringify(message))
      assert.deepStrictEqual(JSON.parse(enrich(once)), JSON.parse(once))
    }))
  })

  it("keeps as a message what is nested deeper than core reads, whatever it is", () => {
    const nested = `${"[".repeat(200_000)}${"]".repeat(200_000)}`

    for (const text of [`{"status":{},"a":${nested}}`, `{"a":${nested}}`, nested]) {
      const { host_ip, message } = JSON.parse(enrich(text))
      assert.deepStrictEqual([host_ip, message === text], ["198.51.100.7", true])
    }
  })

  it("leaves arrays and SNMP payloads alone", () => {
    assert.strictEqual(enrich("[1]"), "[1]")
    assert.strictEqual(enrich("{\"router\":{}}", { serviceType: "snmp" }), "{\"router\":{}}")
  })

  it("finds the host in an address", () => {
    assert.deepStrictEqual(["h:1", "[::1]:22", "::1", "plain", ":50051"].map(Enrichment.hostOf), [
      "h",
      "::1",
      "::1",
      "plain",
      ":50051"
    ])
  })
})
