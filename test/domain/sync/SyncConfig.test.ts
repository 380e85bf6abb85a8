import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import * as SyncConfig from "../../../src/domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../../src/domain/sync/SyncConfigFile.ts"
import * as SyncConfigWarnings from "../../../src/domain/sync/SyncConfigWarnings.ts"

const decode = Schema.decodeUnknownSync(SyncConfigFile)

const source = {
  type: "armis",
  endpoint: "https://armis.example.net",
  agent_id: "a",
  queries: [{ query: "in:devices" }]
}

const warnings = (file: Readonly<Record<string, unknown>>) =>
  SyncConfigWarnings.warningsOf(
    SyncConfig.fromFile(decode({ listen_addr: ":50058", kv_address: "datasvc:50057", ...file })),
    ["armis", "netbox", "file"]
  )

describe("SyncConfig", () => {
  it("says nothing of a file in which all is well", () => {
    assert.deepStrictEqual(warnings({ sources: { hq: source } }), [])
  })

  it("names what a service would pass over in silence", () => {
    const told = warnings({
      kv_address: "",
      sources: {
        odd: { type: "servicenow", endpoint: "x", agent_id: "a" },
        hq: {
          ...source,
          endpoint: "https://armis.example.net/api/v1",
          agent_id: "",
          network_blacklist: ["10.0.1.5", "10.0.0.0/8"],
          custom_field: "Isolated",
          credentials: { enable_status_updates: "true" },
          queries: [{ label: "all", query: "in:devices", sweep_modes: ["icmp", "udp"] }]
        },
        empty: { ...source, queries: [] }
      }
    })

    assert.deepStrictEqual(told, [
      "neither kv_address nor nats_url is given: devices are served, but no agent is told what to sweep",
      "sources.odd.type is \"servicenow\", known are armis, netbox, file: the source is left out",
      "sources.hq.network_blacklist has \"10.0.1.5\", which is no network such as \"10.0.0.0/8\": it is left out",
      "sources.hq has no agent_id: its devices are served but not swept",
      "sources.hq.credentials.enable_status_updates is \"true\": nothing is written back to Armis without write_back",
      "sources.hq.endpoint is \"https://armis.example.net/api/v1\", expected the address without \"/api\": that is added",
      "sources.hq has the sweep mode \"udp\" in query \"all\", known are icmp, tcp, tcp_connect",
      "sources.empty has no queries: every run of it fails"
    ])
  })

  it("warns of what makes a guard or a certificate worthless, and of an agent without a key", () => {
    const told = warnings({
      guard: { threshold: 0.8 },
      sources: { hq: { ...source, agent_id: "agent a", insecure_skip_verify: true } }
    })

    assert.deepStrictEqual(told, [
      "sources.hq.guard.threshold is 0.8 per cent: a run is held only when nearly all devices are gone; the default is 80",
      "sources.hq.insecure_skip_verify is true: whoever stands between reads the credentials, and says what there is to sweep",
      "sources.hq has the agent_id \"agent a\", of which no key can be made: expected letters, digits and - _ . = /"
    ])
  })

  it.each([
    ["discovery_interval", 300],
    ["discovery_interval", "99ms"],
    ["update_interval", "1ns"],
    ["kv_refresh", 12]
  ])("refuses %s of %s, which would leave no pause", (key, value) => {
    assert.throws(() => decode({ listen_addr: ":50058", sources: { hq: source }, [key]: value }), /at least 1(?:00)?ms/)
  })

  it.each(["armis.example.net", "ftp://armis.example.net", "https://armis.example.net/?tenant=1", "https://a.b/#top"])(
    "refuses the endpoint %s",
    (endpoint) => {
      assert.throws(() => decode({ listen_addr: ":50058", sources: { hq: { ...source, endpoint } } }), /a URL such as/)
    }
  )

  it("refuses a source without a name", () => {
    assert.throws(() => decode({ listen_addr: ":50058", sources: { " ": source } }), /names of sources/)
  })

  it("falls back as the Go service does", () => {
    const { sources: [hq] } = SyncConfig.fromFile(decode({
      listen_addr: ":50058",
      discovery_interval: "0s",
      agent_id: "top-agent",
      poller_id: "top-poller",
      sources: { hq: { ...source, agent_id: "", endpoint: "https://armis.example.net/" } }
    }))

    assert.deepInclude(hq, {
      agentId: "top-agent",
      pollerId: "top-poller",
      partition: "default",
      pageSize: 100,
      endpoint: "https://armis.example.net",
      interval: Duration.hours(6)
    })
  })
})
