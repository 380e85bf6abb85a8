import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type BlockFindings, parse, SweepFindings } from "../../../../src/domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../../../src/domain/agent/sweep/SweepPlan.ts"
import * as SweepReport from "../../../../src/domain/agent/sweep/SweepReport.ts"
import * as SweepSettings from "../../../../src/domain/agent/sweep/SweepSettings.ts"
import * as TargetPolicy from "../../../../src/domain/monitoring/checks/TargetPolicy.ts"

const atMillis = 1_795_900_000_500

const planOf = (networks: ReadonlyArray<string>, ports: ReadonlyArray<number>) =>
  SweepPlan.make(SweepSettings.merge({ networks, ports, modes: ["icmp", "tcp"] }), TargetPolicy.fromBlock())

/** Which ports of a host are open, and whether it answers echo requests. */
type Truth = (host: number) => { readonly ports: ReadonlyArray<number>; readonly pings: boolean }

const blockOf = (plan: SweepPlan.SweepPlan, block: number, truth: Truth): BlockFindings => {
  const [from, to] = SweepPlan.placesOf(plan, block)
  const places = Array.from({ length: to - from }, (_, place) => place)
  return {
    block,
    at: atMillis + block,
    open: places.flatMap((place) => truth(from + place).ports.map((port) => [place, port, 1000 + port] as const)),
    pings: places.flatMap((place) => truth(from + place).pings ? [[place, 500, 0] as const] : [])
  }
}

const swept = (plan: SweepPlan.SweepPlan, truth: Truth, order: ReadonlyArray<number>) => {
  const findings = new SweepFindings(plan)
  for (const block of order) findings.add(blockOf(plan, block, truth))
  return findings
}

const taken = <A>(steps: SweepReport.Steps<A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const layOut = (findings: SweepFindings): SweepReport.Layout => taken(SweepReport.layOut(findings))
const whole = (layout: SweepReport.Layout): string => taken(SweepReport.whole(layout))

interface Document {
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly available: boolean; readonly port_results?: unknown }>
  readonly total_hosts: number
  readonly available_hosts: number
}

// boundary: what JSON.parse answers with has no type; what it holds is asserted below.
const read = (text: string): Document => JSON.parse(text) as Document

const chunksOf = (layout: SweepReport.Layout) => layout.parts.map((_, index) => taken(SweepReport.chunk(layout, index)))

describe("SweepReport", () => {
  it("counts and lists what was found, in whatever order blocks are done, and the same after a restart", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 22, max: 32 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        fc.infiniteStream(fc.nat()),
        (bits, ports, every, random) => {
          const plan = planOf([`10.1.0.0/${bits}`], ports)
          const truth: Truth = (host) => ({
            ports: host % every === 0 ? ports.slice(host % 3) : [],
            pings: host % 5 === 0
          })
          const blocks = Array.from({ length: plan.blocks }, (_, block) => ({ block, key: random.next().value }))
          const order = blocks.toSorted((left, right) => left.key - right.key).map(({ block }) => block)

          const findings = swept(plan, truth, order)
          const restored = new SweepFindings(plan)
          for (const block of order) {
            const line = parse(JSON.stringify(findings.at(block)))
            if (line !== undefined) restored.add(line)
          }
          const text = whole(layOut(findings))

          const hosts = Array.from({ length: plan.hosts }, (_, host) => truth(host))
          const available = hosts.filter((host) => host.pings || host.ports.length > 0).length
          assert.isTrue(findings.isComplete)
          assert.deepInclude(read(text), { total_hosts: plan.hosts, available_hosts: available })
          assert.deepStrictEqual(
            read(text).hosts.map(({ host }) => host),
            [...SweepPlan.hostsBetween(plan, 0, plan.hosts)].map(({ address }) => address)
          )
          assert.strictEqual(read(text).hosts.filter((host) => host.available).length, available)
          assert.strictEqual(whole(layOut(restored)), text)
        }
      ),
      { numRuns: 50 }
    )
  })

  it("has chunks of at most 1000 hosts and 1 MiB that hold every host once, and are one up to 1 MiB", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 24 }),
        fc.integer({ min: 1, max: 60 }),
        (bits, count) => {
          const ports = Array.from({ length: count }, (_, at) => at + 1)
          const plan = planOf([`10.1.0.0/${bits}`], ports)
          const findings = swept(
            plan,
            (host) => ({ ports: ports.slice(host % count), pings: false }),
            Array.from({ length: plan.blocks }, (_, block) => block)
          )

          const layout = layOut(findings)
          const chunks = chunksOf(layout)

          const document = whole(layout)
          assert.strictEqual(layout.bytes, document.length)
          assert.strictEqual(chunks.length === 1, document.length <= 1_048_576)
          assert.isTrue(chunks.every((text) => text.length <= 1_048_576))
          assert.isTrue(chunks.length === 1 || chunks.every((text) => read(text).hosts.length <= 1000))
          assert.deepStrictEqual(chunks.flatMap((text) => read(text).hosts), read(document).hosts)
          assert.isTrue(chunks.every((text) => read(text).total_hosts === plan.hosts))
        }
      ),
      { numRuns: 6 }
    )
  })

  it("is the Go agent's document", () => {
    const plan = planOf(["192.0.2.4/31"], [22])
    const findings = swept(plan, (host) => ({ ports: host === 0 ? [22] : [], pings: host === 0 }), [0])

    const seen = "2026-11-28T21:06:40.500Z"
    assert.deepStrictEqual(JSON.parse(whole(layOut(findings))), {
      network: "",
      total_hosts: 2,
      available_hosts: 1,
      last_sweep: Math.floor(atMillis / 1000),
      ports: [{ port: 22, available: 1 }],
      hosts: [
        {
          host: "192.0.2.4",
          available: true,
          first_seen: seen,
          last_seen: seen,
          port_results: [{ port: 22, available: true, response_time: 1022 }],
          icmp_status: { available: true, round_trip: 500, packet_loss: 0 },
          response_time: 0
        },
        {
          host: "192.0.2.5",
          available: false,
          first_seen: seen,
          last_seen: seen,
          icmp_status: { available: false, round_trip: 0, packet_loss: 100 },
          response_time: 0
        }
      ]
    })
  })

  it("lists of a very large network only the hosts that answered, and counts all", () => {
    const plan = planOf(["10.0.0.0/14"], [22])
    const findings = swept(
      plan,
      (host) => ({ ports: host % 100_000 === 0 ? [22] : [], pings: false }),
      Array.from({ length: plan.blocks }, (_, block) => block)
    )

    const document = read(whole(layOut(findings)))

    assert.deepStrictEqual(document.hosts.map(({ host }) => host), ["10.0.0.1", "10.1.134.161", "10.3.13.65"])
    assert.strictEqual(document.total_hosts, 2 ** 18 - 2)
  })

  it("keeps of a block only the whole of it", () => {
    const findings = new SweepFindings(planOf(["192.0.2.0/24"], [22]))

    assert.isUndefined(parse("{\"block\":0,\"at\":1,\"open\":[[0,22"))
    assert.isTrue(findings.add({ block: 0, at: 1, open: [], pings: [] }))
    assert.isFalse(findings.add({ block: 0, at: 2, open: [[0, 22, 5]], pings: [] }))
    assert.isFalse(findings.add({ block: 16, at: 2, open: [], pings: [] }))
    assert.strictEqual(findings.availableHosts, 0)
  })

  it("says of itself what the Go agent says before its first sweep", () => {
    assert.strictEqual(
      SweepReport.summary({ networks: ["192.0.2.0/24"], findings: undefined, sequence: 0 }),
      "{\"network\":\"192.0.2.0/24\",\"total_hosts\":0,\"available_hosts\":0,\"last_sweep\":-62135596800,\"ports\":[]," +
        "\"defined_cidrs\":1,\"unique_ips\":0,\"sequence\":0}"
    )
  })
})
