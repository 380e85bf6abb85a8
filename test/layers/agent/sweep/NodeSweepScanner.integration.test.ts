/** Sweeps of this machine's loopback: no packet leaves it. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as net from "node:net"
import { SweepFindings } from "../../../../src/domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../../../src/domain/agent/sweep/SweepPlan.ts"
import * as SweepSettings from "../../../../src/domain/agent/sweep/SweepSettings.ts"
import * as TargetPolicy from "../../../../src/domain/monitoring/checks/TargetPolicy.ts"
import * as NodeSweepScanner from "../../../../src/layers/agent/sweep/NodeSweepScanner.ts"
import * as SweepRun from "../../../../src/services/agent/sweep/SweepRun.ts"

/** Answers on one port of every loopback address, and may leave a few connections waiting. */
const listener = (host: string, backlog = 511) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly server: net.Server }>((resume) => {
      const server = net.createServer((socket) => void socket.on("error", () => {}).destroy())
      server.listen({ port: 0, host, backlog }, () => {
        const address = server.address()
        resume(Effect.succeed({ port: typeof address === "object" ? address?.port ?? 0 : 0, server }))
      })
    }),
    ({ server }) => Effect.sync(() => void server.close())
  )

const sweep = Effect.fnUntraced(function*(told: SweepSettings.PartialSettings, path = process.env["PATH"]) {
  const settings = SweepSettings.merge(told)
  const findings = new SweepFindings(SweepPlan.make(settings, TargetPolicy.fromBlock()))
  const counts = { refused: 0, silent: 0, unreachable: 0 }
  const { icmpBy } = yield* SweepRun.run(findings, settings, ({ answers }) =>
    Effect.sync(() => {
      counts.refused += answers.refused
      counts.silent += answers.silent
      counts.unreachable += answers.unreachable
    })).pipe(Effect.provide(NodeSweepScanner.layer(path)))
  return { findings, counts, icmpBy }
})

describe("NodeSweepScanner", () => {
  it.live("finds every open port and no other, over two threads", () =>
    Effect.gen(function*() {
      const { port } = yield* listener("0.0.0.0")
      const one = yield* listener("127.3.0.7")
      const closed = yield* Effect.scoped(Effect.map(listener("0.0.0.0"), (closing) => closing.port))

      const { counts, findings } = yield* sweep({
        networks: ["127.3.0.0/20"],
        ports: [port, closed, one.port],
        modes: ["tcp"],
        threads: 2
      })

      assert.strictEqual(findings.hosts, 4094)
      assert.strictEqual(findings.availableHosts, 4094)
      assert.sameDeepMembers([...findings.ports], [{ port, available: 4094 }, { port: one.port, available: 1 }])
      assert.deepStrictEqual(counts, { refused: 2 * 4094 - 1, silent: 0, unreachable: 0 })
    }), 60_000)

  it.live("begins no more connections in a second than it is told", () =>
    Effect.gen(function*() {
      const { port } = yield* listener("0.0.0.0")

      const [spent, { findings }] = yield* Effect.timed(
        sweep({ networks: ["127.3.0.0/24"], ports: [port], modes: ["tcp"], ratePerSecond: 200 })
      )

      assert.strictEqual(findings.availableHosts, 254)
      assert.isAtLeast(Duration.toMillis(spent), 1200)
    }), 30_000)

  it.live(
    "tells who answers echo requests, by fping where there is one and else by ping",
    () =>
      Effect.gen(function*() {
        const { findings, icmpBy } = yield* sweep({ networks: ["127.3.0.0/28", "::1/128"], modes: ["icmp"] })
        const without = yield* sweep({ networks: ["127.3.0.0/29"], modes: ["icmp"] }, "/nowhere")

        assert.include(["fping", "ping"], icmpBy)
        assert.isAtLeast(findings.availableHosts, 14)
        assert.strictEqual(without.icmpBy, "no program: neither fping nor ping is installed")
        assert.strictEqual(without.findings.availableHosts, 0)
      }),
    30_000
  )
})
