import { assert, describe, it } from "@effect/vitest"
import * as HostStats from "../../../../src/domain/monitoring/host/HostStats.ts"

const stat = `cpu  300 0 100 1500 100 0 0 0 0 0
cpu0 200 0 100 600 100 0 0 0 50 0
cpu1 100 0 0 900 0 0 0 0 0 0
intr 1 2 3
`

describe("HostStats", () => {
  it("reads the counters of each core, with waiting as idleness and guests counted once", () =>
    assert.deepStrictEqual(HostStats.parseCpus(stat), [
      { coreId: 0, busyTicks: 300, totalTicks: 1000 },
      { coreId: 1, busyTicks: 100, totalTicks: 1000 }
    ]))

  it("takes usage from what the counters grew by; a new or reset core has none", () => {
    const before = [{ coreId: 0, busyTicks: 100, totalTicks: 1000 }, { coreId: 1, busyTicks: 900, totalTicks: 1000 }]
    const after = [
      { coreId: 0, busyTicks: 133, totalTicks: 1100 },
      { coreId: 1, busyTicks: 0, totalTicks: 10 },
      { coreId: 2, busyTicks: 5, totalTicks: 10 }
    ]

    assert.deepStrictEqual(HostStats.cpuUsage(before, after), [
      { core_id: 0, usage_percent: 33 },
      { core_id: 1, usage_percent: 0 },
      { core_id: 2, usage_percent: 0 }
    ])
  })

  it("counts memory that programs cannot have as used", () => {
    const meminfo = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    6000 kB\n"

    assert.deepStrictEqual(HostStats.parseMemory(meminfo), { used_bytes: 10_240_000, total_bytes: 16_384_000 })
    assert.deepStrictEqual(HostStats.parseMemory(""), { used_bytes: 0, total_bytes: 0 })
  })

  it("lists storage of this host once per device, with odd names, and no network file system", () => {
    const mounts = [
      "/dev/vda1 / ext4 rw 0 0",
      "/dev/vda1 /var/lib/bind ext4 rw 0 0",
      "/dev/vdb /mnt/with\\040space xfs rw 0 0",
      "overlay /merged/a overlay rw 0 0",
      "overlay /merged/b overlay rw 0 0",
      "proc /proc proc rw 0 0",
      "server:/share /net nfs4 rw 0 0"
    ].join("\n")

    assert.deepStrictEqual(HostStats.parseMounts(mounts), ["/", "/mnt/with space", "/merged/a", "/merged/b"])
  })

  it("reads load and uptime", () => {
    assert.deepStrictEqual(HostStats.parseLoad("0.52 0.58 0.59 1/389 12345\n"), [0.52, 0.58, 0.59])
    assert.strictEqual(HostStats.parseUptimeSeconds("350735.47 234388.90\n"), 350_735.47)
  })

  it("makes finite numbers of nothing at all", () => {
    assert.deepStrictEqual(HostStats.parseCpus(""), [])
    assert.deepStrictEqual(HostStats.parseMounts(""), [])
    assert.isTrue(HostStats.parseLoad("").every(Number.isFinite))
    assert.strictEqual(HostStats.parseUptimeSeconds(""), 0)
  })
})
