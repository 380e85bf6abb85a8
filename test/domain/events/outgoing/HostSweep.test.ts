import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as HostSweep from "../../../../src/domain/events/outgoing/HostSweep.ts"
import { rows } from "./decoding.ts"
import { type Facts, measuredAtMillis, polled } from "./polled.ts"

const intervalMillis = 30_000

/** The rows that come of statuses, each noted at its second. */
const swept = (statuses: ReadonlyArray<Facts & { readonly second: number }>) => {
  const sweep = HostSweep.make(intervalMillis)
  return statuses.flatMap(({ second, ...facts }) =>
    Option.match(sweep.note(polled({ ...facts, atMillis: measuredAtMillis + second * 1_000 })), {
      onNone: () => [],
      onSome: (message) => [{ second, ...rows("sweep_host_states", message) }]
    })
  )
}

const ping = { type: "icmp", name: "ping", details: "192.0.2.7", document: { packet_loss: 0 } }
const ssh = { name: "ssh", details: "192.0.2.7:22" }
const http = { name: "http", details: "192.0.2.7:80", available: false, responseTimeNanos: 0n }

describe("HostSweep", () => {
  it("tells the state of a host once its checks have come round", () => {
    const [first, ...more] = swept([
      { ...http, second: 0 },
      { ...ping, second: 0 },
      { ...ssh, second: 1 },
      { ...http, second: 2 },
      { ...ping, second: 2 },
      { ...ssh, second: 3 }
    ])

    assert.deepStrictEqual(more, [])
    assert.strictEqual(first?.stream, "SWEEP")
    assert.deepStrictEqual(first?.rows, [{
      tenant_id: "default",
      host_ip: "192.0.2.7",
      poller_id: "poller-1",
      agent_id: "agent-1",
      partition: "site-a",
      network_cidr: null,
      hostname: null,
      mac: null,
      icmp_available: true,
      icmp_response_time_ns: 1_500_000n,
      icmp_packet_loss: 0,
      tcp_ports_scanned: "[22,80]",
      tcp_ports_open: "[22]",
      port_scan_results: JSON.stringify([
        { port: 22, available: true, response_time: 1_500_000, service: "ssh" },
        { port: 80, available: false, response_time: 0, service: "http" }
      ]),
      last_sweep_time: (measuredAtMillis + 1_000) * 1_000,
      first_seen: measuredAtMillis * 1_000,
      metadata: null
    }])
  })

  it("tells it again after the interval, not at every round", () => {
    const statuses = Array.from({ length: 33 }, (_, index) => ({ ...ssh, second: index * 2 }))

    assert.deepStrictEqual(swept(statuses).map(({ second }) => second), [2, 32, 62])
  })

  it("keeps hosts apart", () => {
    const other = { ...ssh, details: "192.0.2.8:22", name: "other" }
    const states = swept([{ ...ssh, second: 0 }, { ...other, second: 0 }, { ...ssh, second: 2 }, {
      ...other,
      second: 2
    }])

    assert.deepStrictEqual(states.map((state) => state.rows.map((row) => row.host_ip)), [["192.0.2.7"], ["192.0.2.8"]])
  })

  it("passes over checks of names and checks of other types", () => {
    const named = { ...ssh, details: "db.internal:22" }
    const web = { type: "http", name: "web", details: "http://192.0.2.7/" }

    assert.deepStrictEqual(swept([0, 2, 4].flatMap((second) => [{ ...named, second }, { ...web, second }])), [])
  })
})
