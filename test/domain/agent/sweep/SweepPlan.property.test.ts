import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { BlockList } from "node:net"
import * as SweepPlan from "../../../../src/domain/agent/sweep/SweepPlan.ts"
import * as SweepSettings from "../../../../src/domain/agent/sweep/SweepSettings.ts"
import * as TargetPolicy from "../../../../src/domain/monitoring/checks/TargetPolicy.ts"

const everywhere = TargetPolicy.fromBlock({ deny_defaults: false })

const planOf = (told: SweepSettings.PartialSettings, policy = everywhere) =>
  SweepPlan.make(SweepSettings.merge(told), policy)

const all = (plan: SweepPlan.SweepPlan) => [...SweepPlan.hostsBetween(plan, 0, plan.hosts)]

/** In one small place, so that networks overlap. */
const network = fc.tuple(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 255 }),
  fc.integer({ min: 24, max: 32 })
)
  .map(([third, fourth, bits]) => `10.0.${third}.${fourth}/${bits}`)
const modes = fc.subarray(["icmp", "tcp"], { minLength: 1 })
const target = fc.record({ network, modes })

/** The addresses of a network the long way round: each one of the place is asked for. */
const naive = (text: string): ReadonlySet<string> => {
  const [address = "", bits = ""] = text.split("/")
  const list = new BlockList()
  list.addSubnet(address, Number(bits))
  const inside: Array<string> = []
  for (let third = 0; third < 4; third++) {
    for (let fourth = 0; fourth < 256; fourth++) {
      if (list.check(`10.0.${third}.${fourth}`)) inside.push(`10.0.${third}.${fourth}`)
    }
  }
  return new Set(Number(bits) >= 31 ? inside : inside.slice(1, -1))
}

const inOrder = (address: string): number => address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0)

describe("SweepPlan", () => {
  it("has each host of its networks once, in order, with the modes of all that name it", () => {
    fc.assert(fc.property(
      fc.array(target, { maxLength: 6 }),
      fc.array(network, { maxLength: 2 }),
      fc.array(network, { maxLength: 2 }),
      (deviceTargets, blacklist, deny) => {
        const plan = planOf(
          { deviceTargets, blacklist, ports: [22] },
          TargetPolicy.fromBlock({ deny, deny_defaults: false })
        )

        const expected = new Map<string, number>()
        for (const one of deviceTargets) {
          const bits = (one.modes.includes("icmp") ? SweepPlan.icmp : 0) |
            (one.modes.includes("tcp") ? SweepPlan.tcp : 0)
          for (const address of naive(one.network)) expected.set(address, (expected.get(address) ?? 0) | bits)
        }
        for (const text of [...blacklist, ...deny]) {
          const [address = "", bits = ""] = text.split("/")
          const list = new BlockList()
          list.addSubnet(address, Number(bits))
          for (const one of expected.keys()) if (list.check(one)) expected.delete(one)
        }
        const hosts = [...expected].toSorted(([left], [right]) => inOrder(left) - inOrder(right))
          .map(([address, bits]) => ({ address, modes: bits }))
        assert.deepStrictEqual(all(plan), hosts)
        assert.strictEqual(plan.hosts, hosts.length)
      }
    ))
  })

  it("is cut into blocks that have every host once", () => {
    fc.assert(fc.property(
      fc.array(network, { maxLength: 6 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 300 }),
      (networks, ports) => {
        const plan = planOf({ networks, ports })

        const hosts = Array.from({ length: plan.blocks }, (_, block) => SweepPlan.blockOf(plan, block))

        assert.deepStrictEqual(hosts.flat(), all(plan))
        assert.isTrue(hosts.every((block) => block.length > 0 && block.length <= plan.blockHosts))
        assert.isAtMost(plan.blockHosts * ports.length, Math.max(4096, ports.length))
      }
    ))
  })

  it("costs no more for a /8 than for a /24", () => {
    const plan = planOf({ networks: ["10.0.0.0/8"], ports: [80], modes: ["tcp"] })

    assert.strictEqual(plan.spans.length, 1)
    assert.strictEqual(plan.hosts, 2 ** 24 - 2)
    assert.deepStrictEqual(SweepPlan.blockOf(plan, plan.blocks - 1).at(-1), {
      address: "10.255.255.254",
      modes: SweepPlan.tcp
    })
  })

  it("sweeps single hosts of IPv6, and never a prefix", () => {
    const plan = planOf({ networks: ["2001:db8::1/128", "2001:db8::/32", "2001:db8::/127"], modes: ["icmp"] })

    assert.deepStrictEqual(all(plan), [{ address: "2001:db8::1", modes: SweepPlan.icmp }])
    assert.strictEqual(plan.rejected.length, 2)
    assert.match(plan.rejected[0] ?? "", /^2001:db8::\/32 is an IPv6 prefix/)
  })

  it("names what it leaves out, and sweeps the rest", () => {
    const plan = planOf({
      networks: ["192.0.2.1", "192.0.2.0/30"],
      deviceTargets: [{ network: "192.0.2.8/32", modes: ["arp"] }],
      ports: [22, 0, 70_000]
    })

    assert.deepStrictEqual(all(plan).map(({ address }) => address), ["192.0.2.1", "192.0.2.2"])
    assert.strictEqual(plan.rejected.length, 4)
  })

  it("sweeps nothing when it is not known what must not be swept", () => {
    const hostsWithout = (blacklist: ReadonlyArray<string>) =>
      planOf({ networks: ["192.0.2.0/29"], ports: [22], blacklist }).hosts

    assert.deepStrictEqual([["x"], ["192.0.2.0/030"], ["192.0.2.1", "y"]].map(hostsWithout), [0, 0, 0])
    assert.deepStrictEqual([[], ["192.0.2.1"], ["192.0.2.0/30"]].map(hostsWithout), [6, 5, 3])
  })

  it("has both hosts of a /31, and takes tcp_connect for tcp", () => {
    const plan = planOf({ networks: ["192.0.2.4/31"], modes: ["tcp_connect"], ports: [22] })

    assert.deepStrictEqual(all(plan).map(({ modes }) => modes), [SweepPlan.tcp, SweepPlan.tcp])
  })

  it("sweeps nothing that the agent may not probe", () => {
    const plan = planOf(
      { networks: ["169.254.0.0/16", "0.0.0.0/30", "192.0.2.0/29"], modes: ["icmp"] },
      TargetPolicy.fromBlock({ allow: ["192.0.2.2/31", "169.254.0.0/16", "0.0.0.0/8"] })
    )

    assert.deepStrictEqual(all(plan).map(({ address }) => address), ["0.0.0.1", "0.0.0.2", "192.0.2.2", "192.0.2.3"])
  })

  it("has an identity of what is swept, whatever words it is told in", () => {
    const one = planOf({ networks: ["192.0.2.0/30", "192.0.2.4/30"], modes: ["icmp"] })
    const same = planOf({ networks: ["192.0.2.5/30", "192.0.2.0/30"], modes: ["icmp"] })
    const other = planOf({ networks: ["192.0.2.0/30"], modes: ["icmp"] })

    assert.strictEqual(SweepPlan.identityOf(one), SweepPlan.identityOf(same))
    assert.notStrictEqual(SweepPlan.identityOf(one), SweepPlan.identityOf(other))
  })
})
