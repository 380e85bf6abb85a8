import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SyncConfig from "../../../src/domain/sync/SyncConfig.ts"
import * as SyncConfigChange from "../../../src/domain/sync/SyncConfigChange.ts"
import { SyncConfigFile } from "../../../src/domain/sync/SyncConfigFile.ts"

const decode = Schema.decodeUnknownSync(SyncConfigFile)

const source = {
  type: "armis",
  endpoint: "https://armis.example.net",
  credentials: { secret_key: "one" },
  network_blacklist: ["10.0.0.0/8"],
  queries: [{ label: "all", query: "in:devices" }]
}

const configOf = (file: Readonly<Record<string, unknown>>) =>
  SyncConfig.fromFile(decode({ listen_addr: ":50058", sources: { hq: source, lab: source }, ...file }))

const between = (next: Readonly<Record<string, unknown>>) => SyncConfigChange.between(configOf({}), configOf(next))

describe("SyncConfigChange", () => {
  it("is none between equal files", () => {
    const change = between({})

    assert.deepInclude(change, { added: [], changed: [], removed: [], waiting: [], isOther: false })
    assert.strictEqual(SyncConfigChange.describe(change), "nothing is new")
  })

  it("names sources that come, go and change", () => {
    const change = between({ sources: { hq: { ...source, page_size: 7, request_timeout: "5s" }, new: source } })

    assert.deepInclude(change, { added: ["new"], changed: ["hq"], removed: ["lab"] })
    assert.strictEqual(SyncConfigChange.describe(change), "sources new: new; changed: hq; gone: lab")
  })

  it.each([
    { endpoint: "https://other.example.net" },
    { credentials: { secret_key: "two" } },
    { network_blacklist: ["10.0.0.0/9"] },
    { queries: [{ label: "all", query: "in:devices type:Printer" }] },
    { discovery_interval: "5m" },
    { guard: { threshold: 50 } },
    { agent_id: "agent-b" }
  ])("sees that a source changed by %o", (different) => {
    assert.deepStrictEqual(between({ sources: { hq: { ...source, ...different }, lab: source } }).changed, ["hq"])
  })

  it("takes a default that changed for a change of the sources that go by it", () => {
    const own = { ...source, discovery_interval: "1h" }
    const before = configOf({ sources: { hq: source, lab: own } })
    const after = configOf({ sources: { hq: source, lab: own }, discovery_interval: "5m" })

    assert.deepStrictEqual(SyncConfigChange.between(before, after).changed, ["hq"])
  })

  it("reads all anew when devices are to be found by their identifiers from now on", () => {
    const alone = configOf({ sources: { hq: source } })

    assert.deepInclude(SyncConfigChange.between(alone, configOf({})), { added: ["lab"], changed: ["hq"] })
  })

  it("leaves what the process is made of to the next start, and says so", () => {
    const { config, waiting } = between({
      listen_addr: ":50059",
      kv_address: "datasvc:50057",
      spool_dir: "/elsewhere",
      security: { mode: "mtls", cert_dir: "/certs", tls: { cert_file: "a.pem", key_file: "a.key", ca_file: "ca.pem" } },
      kv_refresh: "1h"
    })

    assert.sameMembers([...waiting], ["listen_addr", "kv_address", "spool_dir", "security"])
    const before = configOf({})
    assert.deepStrictEqual(
      [config.listen, config.kvAddress, config.spoolFolder, config.security],
      [before.listen, before.kvAddress, before.spoolFolder, before.security]
    )
    assert.notDeepEqual(config.kvRefresh, before.kvRefresh)
  })
})
