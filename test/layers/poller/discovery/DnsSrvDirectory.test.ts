import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as DnsSrvDirectory from "../../../../src/layers/poller/discovery/DnsSrvDirectory.ts"
import * as DnsServer from "../../../fixtures/DnsServer.ts"

const name = "_serviceradar-agent._tcp.example.org"

describe("Agents in SRV records", () => {
  it.live("are as many as there are records, and none where there is no such name", () =>
    Effect.gen(function*() {
      const zone: { records: ReadonlyArray<DnsServer.SrvRecord> } = {
        records: [
          { target: "edge-1.example.org", port: 50_051 },
          { target: "edge-2.example.org", port: 50_051 },
          { target: "edge-2.example.org", port: 50_052 }
        ]
      }
      const servers = [yield* DnsServer.serve(name, zone)]
      const directory = (of: string) => DnsSrvDirectory.make({ name: of, interval: Duration.seconds(1), servers })
      const found = yield* directory(name).ask
      assert.sameDeepMembers(found.map(({ address, agentId }) => [agentId, address]), [
        ["edge-1.example.org", "edge-1.example.org:50051"],
        ["edge-2.example.org:50051", "edge-2.example.org:50051"],
        ["edge-2.example.org:50052", "edge-2.example.org:50052"]
      ])
      zone.records = []
      assert.deepStrictEqual(yield* directory(name).ask, [])
      assert.deepStrictEqual(yield* directory("elsewhere.example.org").ask, [])
    }).pipe(Effect.scoped))

  it.live("are not known while no name server answers", () =>
    Effect.gen(function*() {
      const zone = { records: [{ target: "edge-1.example.org", port: 50_051 }], isSilent: true }
      const servers = [yield* DnsServer.serve(name, zone)]
      const error = yield* Effect.flip(DnsSrvDirectory.make({ name, interval: Duration.seconds(1), servers }).ask)
      assert.include(error.message, `agents are not found by the SRV records of ${name}`)
    }).pipe(Effect.scoped), 30_000)
})
