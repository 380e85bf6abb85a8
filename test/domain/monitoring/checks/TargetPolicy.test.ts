import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as TargetPolicy from "../../../../src/domain/monitoring/checks/TargetPolicy.ts"

const isAllowed = (block: typeof TargetPolicy.TargetsBlock.Type, host: string, address = host): boolean =>
  Result.isSuccess(TargetPolicy.judge(TargetPolicy.fromBlock(block), host, address))

describe("TargetPolicy", () => {
  it.each([
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::ffff:0:a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:2:3:4:169.254.169.254",
    "2001:db8::5efe:169.254.169.254",
    "2001:db8::200:5efe:a9fe:a9fe",
    "2001:0:1:2:3:4:5601:5601",
    "fd00:c1::a9fe:a9fe",
    "fd00:a9fe:a9fe::1",
    "fd00:42::42"
  ])("denies %s unless told otherwise", (address) => {
    assert.isFalse(isAllowed({}, address))
    assert.isFalse(isAllowed({}, "innocent.example.org", address))
    assert.isFalse(isAllowed({ allow: ["0.0.0.0/0", "::/0", "innocent.example.org"] }, address))
    assert.isTrue(isAllowed({ deny_defaults: false }, address))
  })

  it.each(["127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fec0::1", "169.253.255.255"])(
    "allows %s unless told otherwise",
    (address) => assert.isTrue(isAllowed({}, address))
  )

  it("denies names that clouds give their metadata services, however they are written", () => {
    for (const name of ["metadata.google.internal", "METADATA.google.internal.", "instance-data"]) {
      assert.isFalse(isAllowed({}, name, "10.0.0.1"))
      assert.isTrue(Result.isFailure(TargetPolicy.judgeName(TargetPolicy.fromBlock({}), name)))
    }
  })

  it("lets somebody else resolve a name that is not denied, and stands on the allow list by name where there is one", () => {
    const judged = (block: typeof TargetPolicy.TargetsBlock.Type, host: string) =>
      Result.isSuccess(TargetPolicy.judgeUnresolved(TargetPolicy.fromBlock(block), host))
    const block = { allow: ["0.0.0.0/0", "*.example.org"], deny: ["db.example.org"] }

    assert.deepStrictEqual(
      ["www.example.org", "DB.example.org.", "example.com"].map((host) => judged(block, host)),
      [true, false, false]
    )
    assert.deepStrictEqual(
      ["example.com", "metadata.google.internal"].map((host) => judged({}, host)),
      [true, false]
    )
  })

  it("allows by an allow list what stands on it by name or by address, and nothing else", () => {
    const block = {
      allow: ["10.0.0.0/8", "*.example.org", "db", "2001:db8::/32"],
      deny: ["10.9.0.0/16", "x.example.org"]
    }
    assert.deepStrictEqual(
      [
        ["10.1.1.1", "10.1.1.1"],
        ["10.9.1.1", "10.9.1.1"],
        ["11.1.1.1", "11.1.1.1"],
        ["a.example.org", "11.1.1.1"],
        ["a.example.org", "10.9.0.1"],
        ["a.example.org", "169.254.169.254"],
        ["x.example.org", "11.1.1.1"],
        ["example.org", "11.1.1.1"],
        ["badexample.org", "11.1.1.1"],
        ["db", "11.1.1.1"],
        ["other", "10.3.0.1"],
        ["v6", "2001:db8:1::2"]
      ].map(([host = "", address]) => isAllowed(block, host, address)),
      [true, false, false, true, false, false, false, false, false, true, true, true]
    )
  })

  it("takes no address for the loopback, to which it leads, only to deny it", () => {
    const addresses = ["0.0.0.0", "::", "::ffff:0.0.0.0", "0:0:0:0:0:0:0.0.0.0", "::%lo"]
    for (const address of addresses) {
      assert.isFalse(isAllowed({ deny: ["127.0.0.0/8"] }, address), address)
      assert.isFalse(isAllowed({ deny: ["::1"] }, address), address)
      assert.isFalse(isAllowed({ allow: ["127.0.0.0/8", "::1"] }, address), address)
      assert.isTrue(isAllowed({}, address), address)
    }
  })

  it("allows nothing for an IPv4 address in a place where it does not say where the whole leads", () => {
    for (const address of ["2001:db8::5efe:10.1.1.1", "64:ff9b:1::10.1.1.1", "2001:0:1:2:3:4:f5fe:fefe"]) {
      assert.isFalse(isAllowed({ allow: ["10.0.0.0/8"] }, address), address)
      assert.isFalse(isAllowed({ deny: ["10.0.0.0/8"] }, address), address)
    }
    assert.isTrue(isAllowed({ allow: ["10.0.0.0/8"] }, "64:ff9b::10.1.1.1"))
  })

  it("takes exactly the addresses that begin with the bits of a network", () => {
    fc.assert(fc.property(
      fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
      fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 0, max: 32 }),
      (network, address, bits) => {
        // Means the loopback too.
        fc.pre(address.some((byte) => byte > 0))
        const binary = (bytes: ReadonlyArray<number>) => bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("")
        const text = address.join(".")
        assert.strictEqual(
          isAllowed({ deny_defaults: false, deny: [`${network.join(".")}/${bits}`] }, text),
          binary(network).slice(0, bits) !== binary(address).slice(0, bits)
        )
      }
    ))
  })

  it("knows what is no rule", () => {
    for (const text of ["", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "::/129", "*", "a b", "http://x", "1.2.3.4/8/9"]) {
      assert.deepStrictEqual(TargetPolicy.parseRule(text), Option.none(), text)
    }
    for (const text of ["10.0.0.0/0", "[::1]", "fe80::/10", "*.a.b", "host", "Host.Example.org."]) {
      assert.isTrue(Option.isSome(TargetPolicy.parseRule(text)), text)
    }
  })

  it("denies what is no address", () => assert.isFalse(isAllowed({ deny_defaults: false }, "host", "nonsense")))
})
