/** What the types of sources have beside devices: options, manners and forms. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FakeArmis from "../../../../src/layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../../../src/layers/sync/fakes/FakeNetBox.ts"
import * as SourceTable from "../../../../src/layers/sync/SourceTable.ts"
import * as rig from "../../../support/syncRig.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

/** One cycle of these sources: what is served and swept, what is stale, and how long it took. */
const observe = Effect.fnUntraced(function*(sources: Readonly<Record<string, unknown>>) {
  const folder = yield* temporaryFolder
  const config = rig.configOf(path.join(folder, "spool"), { sources })
  return yield* Effect.gen(function*() {
    const beganAt = yield* Clock.currentTimeMillis
    yield* Effect.flatMap(SourceTable.make(config), rig.cycle)
    const millis = (yield* Clock.currentTimeMillis) - beganAt
    return { millis, served: yield* rig.served, sweeps: yield* rig.sweeps, stale: (yield* rig.status(config)).stale }
  }).pipe(Effect.provide(rig.layer(config)))
}, Effect.scoped)

const networksOf = (text: string | undefined): ReadonlyArray<string> => JSON.parse(text ?? "{}").networks

describe("Sources of sync", () => {
  it.live("brings NetBox's virtual machines as devices and its prefixes as networks, when they are asked for", () =>
    Effect.gen(function*() {
      const netbox = yield* FakeNetBox.serve({ devices: 2 })

      const plain = yield* observe({ netbox: rig.netbox(netbox.url) })
      const all = yield* observe({ netbox: rig.netbox(netbox.url, { virtual_machines: true, prefixes: true }) })

      assert.deepStrictEqual(plain.served.map(({ hostname }) => hostname), ["device-1", "device-2"])
      assert.deepStrictEqual(networksOf(plain.sweeps["agent-nb"]), ["172.16.0.0/32", "172.16.0.1/32"])
      assert.deepStrictEqual(
        all.served.map(({ hostname, metadata }) => [hostname, metadata["integration_id"]]),
        [["device-1", "1"], ["device-2", "2"], ["vm-one", "vm-1"]]
      )
      assert.deepStrictEqual(networksOf(all.sweeps["agent-nb"]), [
        "10.200.0.1/32",
        "172.16.0.0/32",
        "172.16.0.1/32",
        "198.51.100.0/28",
        "2001:db8::/120"
      ])
      assert.deepStrictEqual(all.stale, [])
    }).pipe(Effect.scoped))

  it.live("sweeps the subnets of NetBox's addresses once each, when they are to be expanded", () =>
    Effect.gen(function*() {
      const netbox = yield* FakeNetBox.serve({ devices: 300 })

      const { served, sweeps } = yield* observe({
        netbox: rig.netbox(netbox.url, { credentials: { api_token: "t0k3n", expand_subnets: "true" } })
      })

      assert.lengthOf(served, 300)
      assert.deepStrictEqual(networksOf(sweeps["agent-nb"]), ["172.16.0.0/24", "172.16.1.0/24"])
    }).pipe(Effect.scoped))

  it.live("asks no more often than the rate limit says", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 500 })

      const { millis, served } = yield* observe({ armis: rig.armis(armis.url, { rate_limit: 20 }) })

      assert.lengthOf(served, 500)
      assert.lengthOf(armis.requests, 6)
      // Six requests, five pauses of 50 ms.
      assert.isAtLeast(millis, 245)
    }).pipe(Effect.scoped))

  it.live("waits as long as a source that is asked too often wants, then asks for that page again", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 500 })
      const netbox = yield* FakeNetBox.serve({ devices: 500 })
      armis.set({ faults: [{ kind: "429", page: 2, times: 1 }] })
      netbox.set({ faults: [{ kind: "429", page: 0, times: 1 }] })

      const { millis, served, stale } = yield* observe({
        armis: rig.armis(armis.url),
        netbox: rig.netbox(netbox.url)
      })

      assert.lengthOf(served, 1_000)
      assert.deepStrictEqual(stale, [])
      assert.isAtLeast(millis, 1_000)
      assert.deepStrictEqual([armis.requests.length, netbox.requests.length], [7, 6])
    }).pipe(Effect.scoped))

  it.live("reads NDJSON, of which a line that is none costs that line alone", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.ndjson")
      const lines = [
        JSON.stringify({ id: 1, ip: "192.0.2.1, 2001:DB8::1", hostname: "one", mac: "3c-97-0e-00-01-01", rack: "A7" }),
        "{\"id\":2,\"ip\":\"192.0.2.2\"",
        "",
        JSON.stringify({ id: 3, ip: "192.0.2.3", hostname: null, tags: "lab,core" }),
        JSON.stringify({ ip: "192.0.2.4" }),
        JSON.stringify({ id: 5, ip: "none" })
      ]
      yield* Effect.promise(() => fs.writeFile(file, lines.join("\n")))

      const { served, stale } = yield* observe({ lab: { type: "file", endpoint: file } })

      assert.deepStrictEqual(stale, [])
      assert.deepStrictEqual(served.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.4", "192.0.2.3"])
      const one = served.find(({ ip }) => ip === "192.0.2.1")
      assert.deepInclude(one, { hostname: "one", mac: "3C:97:0E:00:01:01", source: "integration" })
      assert.deepInclude(one?.metadata, { rack: "A7", all_ips: "192.0.2.1,2001:db8::1", ip_count: "2" })
    }).pipe(Effect.scoped))

  it.live("holds little of a line without an end, and takes the lines around it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.ndjson")
      const piece = "x".repeat(1024 * 1024)
      yield* Effect.promise(async () => {
        await fs.writeFile(file, `{"ip":"192.0.2.1"}\r\n{"ip":"192.0.2.2","notes":"`)
        for (let index = 0; index < 200; index++) await fs.appendFile(file, piece)
        await fs.appendFile(file, `"}\n{"ip":"192.0.2.3"}\n${piece}`)
      })
      const before = process.memoryUsage.rss()

      const { served, stale } = yield* observe({ lab: { type: "file", endpoint: file } })

      assert.deepStrictEqual(stale, [])
      assert.deepStrictEqual(served.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.3"])
      assert.isBelow(process.memoryUsage.rss() - before, 150 * 1024 * 1024)
    }).pipe(Effect.scoped))
})
