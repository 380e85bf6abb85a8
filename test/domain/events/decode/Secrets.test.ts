import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Json from "../../../../src/domain/events/decode/Json.ts"
import * as Secrets from "../../../../src/domain/events/decode/Secrets.ts"

const parsed = (value: unknown) => Result.getOrThrow(Json.parse(JSON.stringify(value)))

describe("Secrets", () => {
  it("are found at any depth, in time that grows with the depth only", () => {
    const nested = (inner: unknown) => {
      let value = inner
      for (let depth = 0; depth < 120; depth++) value = depth % 3 === 0 ? [value, { b: 1 }] : { a: 0, inner: value }
      return value
    }

    assert.deepStrictEqual(parsed(nested({ community: "s3cret", x: 1 })), nested({ x: 1 }))
  })

  it.each([
    "community",
    "Community",
    "_community",
    "snmp_community",
    "snmpCommunityString",
    "trap-community",
    "auth_key",
    "authKey",
    "authPassphrase",
    "auth.password",
    "snmpv3_priv_key",
    "privacyPassword",
    "usmPrivKey",
    "full_message",
    "fullMessage"
  ])("are the values of %s, however deep", (key) => {
    assert.deepStrictEqual(parsed({ a: [{ [key]: "public", b: 1 }], [key]: { c: "x" } }), { a: [{ b: 1 }] })
  })

  it.each(["communities", "bgp_communities", "author", "auth_method", "private", "privilege", "message"])(
    "are not the values of %s",
    (key) => {
      assert.isFalse(Secrets.isSecretKey(key))
      assert.deepStrictEqual(parsed({ [key]: "x" }), { [key]: "x" })
    }
  )

  it("are the values of variables in other forms: by the object as the key, in an array, with keys in capitals", () => {
    const oid = ".1.3.6.1.6.3.18.1.4.0"
    assert.deepStrictEqual(
      parsed({
        map: { [oid]: "public", "SNMP-COMMUNITY-MIB::snmpTrapCommunity.0": "public", "1.3.6.1.2.1.1.3.0": 5 },
        rows: [[oid, "OctetString", "public"], [oid, "public"], ["1.3.6.1.2.1.1.3.0", 5]],
        gosnmp: { Name: oid, Type: 4, Value: "public" },
        named: { objectName: "snmpTrapCommunity.0", raw_value: "public", value: "public" },
        snmp_communities: ["public"],
        oids: [oid, "1.3.6.1.2.1.1.3.0"]
      }),
      {
        map: { "1.3.6.1.2.1.1.3.0": 5 },
        rows: [[oid, "OctetString"], [oid], ["1.3.6.1.2.1.1.3.0", 5]],
        gosnmp: { Name: oid, Type: 4 },
        named: { objectName: "snmpTrapCommunity.0" },
        oids: [oid, "1.3.6.1.2.1.1.3.0"]
      }
    )
  })

  it.each([
    "1.3.6.1.6.3.18.1.4.0",
    ".1.3.6.1.6.3.18.1.4.0",
    "iso.3.6.1.6.3.18.1.4.0",
    "SNMP-COMMUNITY-MIB::snmpTrapCommunity.0",
    "1.3.6.1.6.3.15.1.2.2.1.9.1"
  ])("are the values of the variable %s in a trap", (oid) => {
    assert.deepStrictEqual(
      parsed({ varbinds: [{ oid, value: "OCTET STRING: public" }, { oid: "1.3.6.1.2.1", value: 5 }] }),
      {
        varbinds: [{ oid }, { oid: "1.3.6.1.2.1", value: 5 }]
      }
    )
  })

  it("are found by keys whose letters are escaped", () => {
    assert.deepStrictEqual(
      Json.parse(String.raw`{"\u0063ommunity":"public","a\u0075thKey":"k","b":1}`),
      Result.succeed({ b: 1 })
    )
  })

  it("leave a value alone that has none", () => {
    const value = { message: "authentication failed", list: [{ auth_method: "psk" }] }
    assert.deepStrictEqual(parsed(value), value)
  })
})
