import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { BlockList, isIPv6 } from "node:net"
import * as Blacklist from "../../../src/domain/inventory/Blacklist.ts"
import * as IpNetwork from "../../../src/domain/inventory/IpNetwork.ts"

const address = fc.oneof(fc.ipV4(), fc.ipV6())

const network = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))
)

const format = (text: string) => Option.getOrThrow(Option.map(IpNetwork.parseNetwork(text), IpNetwork.formatNetwork))

describe("IpNetwork", () => {
  it.each([
    ["10.0.0.5/24", "10.0.0.0/24"],
    ["10.0.0.5/32", "10.0.0.5/32"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["2001:DB8:0:0:1::1/64", "2001:db8::/64"],
    ["2001:db8::1/128", "2001:db8::1/128"],
    ["::ffff:10.1.2.3/120", "10.1.2.0/24"]
  ])("clears host bits: %s is %s", (text, expected) => {
    assert.strictEqual(format(text), expected)
  })

  it.each(["10.0.0.5", "10.0.0.0/33", "2001:db8::/129", "10.0.0/8", "x/8", "10.0.0.0/", "::ffff:1.2.3.4/12"])(
    "takes no %s for a network",
    (text) => {
      assert.isTrue(Option.isNone(IpNetwork.parseNetwork(text)))
    }
  )

  it("writes IPv6 as RFC 5952 asks", () => {
    const forms = ["2001:0DB8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1", "2001:db8:0:0:1::1"]

    assert.deepStrictEqual(
      forms.map((text) => Option.getOrNull(IpNetwork.canonicalAddress(text))),
      ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1", "2001:db8::1:0:0:1"]
    )
  })

  it("reads back every address that it writes", () => {
    fc.assert(fc.property(address, (text) => {
      const once = Option.getOrThrow(IpNetwork.canonicalAddress(text))
      assert.strictEqual(Option.getOrThrow(IpNetwork.canonicalAddress(once)), once)
    }))
  })
})

describe("Blacklist", () => {
  it("decides as Node's own block list does, among networks of the address's own kind", () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 8 }), address, (networks, text) => {
        const kind = isIPv6(text) ? "ipv6" : "ipv4"
        const peer = new BlockList()
        for (const [host, length] of networks) {
          if (isIPv6(host) === isIPv6(text)) peer.addSubnet(host, length, kind)
        }
        const blacklist = Blacklist.make(networks.map(([host, length]) => `${host}/${length}`))

        assert.strictEqual(blacklist.covers(text), peer.check(text, kind))
      }),
      { numRuns: 500 }
    )
  })

  it("leaves out what is no network, names it, and applies the rest", () => {
    const blacklist = Blacklist.make(["10.0.1.5", "10.0.1.0/29", "nonsense"])

    assert.deepStrictEqual(blacklist.rejected, ["10.0.1.5", "nonsense"])
    assert.isTrue(blacklist.covers("10.0.1.5"))
    assert.isTrue(blacklist.covers("::ffff:10.0.1.5"))
    assert.isFalse(blacklist.covers("10.0.1.8"))
    assert.isFalse(blacklist.covers("not-an-ip"))
  })
})
