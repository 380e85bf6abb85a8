/**
 * Every route of the v1 API as a client of the existing core asks for it, over what an agent and a poller reported as processes of
 * their own; see `v1Core`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as crypto from "node:crypto"
import { coreCatalog } from "../../src/domain/core/CoreCatalog.ts"
import * as RowSecurity from "../../src/layers/postgres/connection/RowSecurity.ts"
import { routes } from "../../src/layers/v1/V1Mount.ts"
import { postgresTypes } from "../layers/queries/tables.ts"
import * as Browser from "../support/browser.ts"
import { differences, type Shape } from "../support/shapes.ts"
import { TestDatabase } from "../support/TestDatabase.ts"
import { allowedOrigin, layer as v1Core, password, V1Core, type Who } from "../support/v1Core.ts"

interface Seen {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

const send = (url: string, init: RequestInit): Effect.Effect<Seen> =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { ...init, signal })
    return { status: response.status, text: await response.text(), headers: response.headers }
  })

const ask = Effect.fnUntraced(function*(who: Who | "", method: string, path: string, body?: unknown) {
  const { base, tokens } = yield* V1Core
  return yield* send(`${base}${path}`, {
    method,
    headers: who === "" ? {} : { authorization: `Bearer ${tokens[who]}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
  })
})

const text = (words: string) => `${words}\n`
const problem = (status: number, message: string) => ({ status, message })

const service: Shape = {
  agent_id: "<filled>",
  poller_id: "<filled>",
  name: "<filled>",
  available: "<flag>",
  message: "<base64>",
  type: "<filled>",
  details: {
    poller_id: "<filled>",
    agent_id: "<filled>",
    partition: "default",
    service_type: "<filled>",
    service_name: "<filled>",
    data: "<anything>"
  }
}

const poller = {
  poller_id: "<filled>",
  is_healthy: "<flag>",
  last_update: "<time>",
  uptime: "",
  first_seen: "0001-01-01T00:00:00Z"
}

const point: Shape = {
  timestamp: "<time>",
  response_time: "<count>",
  service_name: "ping",
  "device_id?": "<filled>",
  partition: "default",
  agent_id: "agent-1",
  poller_id: "poller-1"
}

const origin = { timestamp: "<time>", host_id: "<filled>", agent_id: "agent-1" }

const cpus: Shape = [{
  timestamp: "<time>",
  cpus: [{ core_id: "<number>", usage_percent: "<number>", frequency_hz: "<number>", ...origin }]
}]
const disks: Shape = [{
  timestamp: "<time>",
  disks: [{ mount_point: "<filled>", used_bytes: "<count>", total_bytes: "<count>", ...origin }]
}]
const memory: Shape = [{ timestamp: "<time>", memory: { used_bytes: "<count>", total_bytes: "<count>", ...origin } }]
const processes: Shape = [{
  timestamp: "<time>",
  processes: [{
    pid: "<count>",
    name: "<filled>",
    cpu_usage: "<number>",
    memory_usage: "<number>",
    status: "<filled>",
    start_time: "<time>",
    ...origin
  }]
}]

const capabilities = {
  has_collector: true,
  supports_icmp: "<flag>",
  supports_snmp: "<flag>",
  supports_sysmon: "<flag>",
  capabilities: ["<filled>"],
  agent_id: "<filled>",
  poller_id: "<filled>",
  service_name: "<filled>",
  last_seen: "<time>"
}

const snapshot = {
  capability: "<filled>",
  service_id: "<filled>",
  service_type: "<filled>",
  state: "<filled>",
  enabled: true,
  last_checked: "<time>",
  "last_success?": "<time>",
  metadata: {},
  recorded_by: "<filled>"
}

const device = {
  device_id: "<filled>",
  device_type: "<filled>",
  ip: "<text>",
  hostname: "<text or null>",
  mac: "<text or null>",
  is_available: "<flag>",
  first_seen: "<time>",
  last_seen: "<time>",
  last_heartbeat: "<time>",
  discovery_sources: [{
    source: "<filled>",
    agent_id: "<filled>",
    poller_id: "<filled>",
    first_seen: "<time>",
    last_seen: "<time>",
    confidence: "<count>"
  }],
  metadata: "<texts>",
  os_info: "<text>",
  service_type: "<text>",
  service_status: "<filled>",
  version_info: "<text>",
  "collector_capabilities?": capabilities,
  "capability_snapshots?": [snapshot]
} satisfies Shape

const window = { total: 0, fatal: 0, error: 0, warning: 0, info: 0, debug: 0, other: 0 }

const snmpReading: Shape = {
  oid_name: "ifInOctets",
  value: 42,
  value_type: "integer",
  timestamp: "<time>",
  scale: 1,
  is_delta: false
}

const span = "start=2020-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"

/** With the id of a device that `{device}` stands for, or another of the same address. */
const byAddress = "default:192.0.2.7"

const descriptor: Shape = {
  name: "<filled>",
  display_name: "<filled>",
  service_type: "<filled>",
  scope: "<filled>",
  "kv_key?": "<filled>",
  "kv_key_template?": "<filled>",
  format: "<filled>",
  requires_agent: "<flag>",
  requires_poller: "<flag>"
}

const noStore = problem(502, "KV client not available")
const noPackage = problem(502, "failed to fetch package")
const onboardingOff = problem(503, "Edge onboarding service is disabled")
const kept = { name: "<filled>", type: "<filled>", agent_id: "<filled>", poller_id: "<filled>", "kv_store_id?": "hub" }

interface Case {
  readonly who?: Who
  readonly path: string
  readonly body?: unknown
  readonly status: number
  readonly answer: Shape
}

/** By method and path of each route, as `{METHOD} {path}`. */
const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  "GET /api/pollers": [{
    path: "/api/pollers",
    status: 200,
    answer: [{ ...poller, services: "<anything>" }]
  }],
  "GET /api/pollers/{id}": [
    {
      path: "/api/pollers/poller-1",
      status: 200,
      answer: { ...poller, is_healthy: true, services: [service], metrics: "<anything>" }
    },
    { path: "/api/pollers/nobody", status: 404, answer: text("Poller not found") },
    { path: "/api/pollers/%00", status: 404, answer: text("Poller not found") }
  ],
  "GET /api/pollers/{id}/services": [
    { path: "/api/pollers/poller-1/services", status: 200, answer: [service] },
    { path: "/api/pollers/nobody/services", status: 404, answer: text("Poller not found") }
  ],
  "GET /api/pollers/{id}/services/{name}": [
    { path: "/api/pollers/poller-1/services/core", status: 200, answer: service },
    {
      path: "/api/pollers/poller-2/services/mute",
      status: 200,
      answer: {
        agent_id: "agent-2",
        poller_id: "poller-2",
        name: "mute",
        available: false,
        message: null,
        type: "process",
        details: null
      }
    },
    {
      path: "/api/pollers/poller-2/services/odd",
      status: 200,
      answer: {
        agent_id: "agent-2",
        poller_id: "poller-2",
        name: "odd",
        available: true,
        message: "<base64>",
        type: "process",
        details: {
          poller_id: "poller-2",
          agent_id: "agent-2",
          partition: "default",
          service_type: "process",
          service_name: "odd",
          data: { message: "hello" }
        },
        kv_store_id: "hub"
      }
    },
    { path: "/api/pollers/poller-1/services/nothing", status: 404, answer: text("Service not found") },
    { path: "/api/pollers/nobody/services/core", status: 404, answer: text("Poller not found") }
  ],
  "GET /api/pollers/{id}/history": [
    {
      path: "/api/pollers/poller-1/history?limit=1",
      status: 200,
      answer: [{ timestamp: "<time>", is_healthy: "<flag>" }]
    },
    { path: "/api/pollers/poller-2/history", status: 200, answer: [{ timestamp: "<time>", is_healthy: false }] },
    { path: "/api/pollers/nobody/history", status: 200, answer: [] }
  ],
  "GET /api/pollers/{id}/metrics": [
    { path: "/api/pollers/poller-1/metrics", status: 200, answer: [point] },
    { path: "/api/pollers/nobody/metrics", status: 404, answer: text("No metrics found") }
  ],
  "GET /api/pollers/{id}/rperf": [
    {
      path: `/api/pollers/poller-2/rperf?${span}`,
      status: 200,
      answer: [{
        timestamp: "<time>",
        name: "rperf_tcp_test",
        bits_per_second: 5e8,
        bytes_received: 0,
        bytes_sent: 0,
        duration: 0,
        jitter_ms: 0.5,
        loss_percent: 0,
        packets_lost: 0,
        packets_received: 0,
        packets_sent: 0,
        success: true,
        target: "TCP Test"
      }]
    },
    { path: "/api/pollers/poller-1/rperf", status: 404, answer: problem(404, "No rperf metrics found") },
    {
      path: "/api/pollers/poller-2/rperf?start=yesterday",
      status: 400,
      answer: { status: 400, message: "<filled>" }
    }
  ],
  "GET /api/pollers/{id}/snmp": [
    { path: `/api/pollers/poller-2/snmp?${span}`, status: 200, answer: [snmpReading] },
    { path: `/api/pollers/poller-1/snmp?${span}`, status: 200, answer: [] },
    { path: "/api/pollers/poller-2/snmp", status: 400, answer: text("start and end parameters are required") },
    { path: "/api/pollers/poller-2/snmp?start=1&end=2", status: 400, answer: text("Invalid start time format") },
    {
      path: "/api/pollers/poller-2/snmp?start=2026-01-01T00:00:00Z&end=2026-02-31",
      status: 400,
      answer: text("Invalid end time format")
    }
  ],
  "GET /api/pollers/{id}/sysmon/cpu": [
    { path: "/api/pollers/poller-1/sysmon/cpu", status: 200, answer: cpus },
    { path: "/api/pollers/poller-2/sysmon/cpu", status: 404, answer: problem(404, "No metrics found") },
    {
      path: "/api/pollers/poller-1/sysmon/cpu?start=2026-13-45T00:00:00Z",
      status: 400,
      answer: problem(
        400,
        "invalid start time format: \"2026-13-45T00:00:00Z\" is no time such as 2026-01-31T00:00:00Z"
      )
    },
    { path: "/api/pollers/poller-1/sysmon/cpu?end=2020-01-01T00:00:00Z", status: 404, answer: "<anything>" }
  ],
  "GET /api/pollers/{id}/sysmon/disk": [
    { path: "/api/pollers/poller-1/sysmon/disk", status: 200, answer: disks },
    { path: "/api/pollers/poller-1/sysmon/disk?mount_point=/none", status: 404, answer: "<anything>" }
  ],
  "GET /api/pollers/{id}/sysmon/memory": [
    { path: "/api/pollers/poller-1/sysmon/memory", status: 200, answer: memory }
  ],
  "GET /api/pollers/{id}/sysmon/processes": [
    { path: "/api/pollers/poller-1/sysmon/processes", status: 200, answer: processes }
  ],
  "GET /api/devices/{id}/sysmon/cpu": [
    { path: "/api/devices/default:192.0.2.1/sysmon/cpu", status: 200, answer: cpus },
    { path: `/api/devices/${byAddress}/sysmon/cpu`, status: 200, answer: [] },
    { path: "/api/devices/nothing/sysmon/cpu", status: 404, answer: problem(404, "Device not found") }
  ],
  "GET /api/devices/{id}/sysmon/disk": [
    { path: "/api/devices/default:192.0.2.1/sysmon/disk", status: 200, answer: disks }
  ],
  "GET /api/devices/{id}/sysmon/memory": [
    { path: "/api/devices/default:192.0.2.1/sysmon/memory", status: 200, answer: memory }
  ],
  "GET /api/devices/{id}/sysmon/processes": [
    { path: "/api/devices/default:192.0.2.1/sysmon/processes", status: 200, answer: processes }
  ],
  "GET /api/status": [{
    path: "/api/status",
    status: 200,
    answer: { total_pollers: 2, healthy_pollers: 1, last_update: "<time>" }
  }],
  "GET /api/stats": [{
    path: "/api/stats",
    status: 200,
    answer: {
      timestamp: "<time>",
      total_devices: "<count>",
      available_devices: "<count>",
      unavailable_devices: "<number>",
      active_devices: "<count>",
      devices_with_collectors: 1,
      devices_with_icmp: "<count>",
      devices_with_snmp: 1,
      devices_with_sysmon: "<count>",
      partitions: [{
        partition_id: "default",
        device_count: "<count>",
        active_count: "<count>",
        available_count: "<count>"
      }]
    }
  }],
  "GET /api/devices": [
    { path: "/api/devices", status: 200, answer: [device] },
    { path: "/api/devices?limit=-1&page=0&offset=5", status: 200, answer: [device] },
    { path: "/api/devices?limit=many&status=perhaps&merged=true", status: 200, answer: [device] },
    { path: "/api/devices?limit=999999999999999999999999", status: 200, answer: [device] },
    { path: "/api/devices?search=192.0.2.7&status=online", status: 200, answer: [{ ...device, ip: "192.0.2.7" }] },
    { path: "/api/devices?search=192.0.2.7&status=offline", status: 200, answer: [] },
    { path: "/api/devices?search=%25", status: 200, answer: [] },
    { path: "/api/devices?search=%00%27", status: 200, answer: [] },
    { path: "/api/devices?page=1000000&limit=500", status: 200, answer: [] }
  ],
  "GET /api/devices/{id}": [
    {
      path: `/api/devices/${byAddress}`,
      status: 200,
      answer: {
        device_id: "<filled>",
        agent_id: "agent-2",
        poller_id: "poller-2",
        discovery_sources: ["<filled>"],
        ip: "192.0.2.7",
        "hostname?": "<filled>",
        first_seen: "<time>",
        last_seen: "<time>",
        is_available: true,
        service_status: "online",
        device_type: "network_device",
        metadata: "<texts>",
        collector_capabilities: { ...capabilities, supports_icmp: true, supports_snmp: true, supports_sysmon: false },
        capability_snapshots: [snapshot],
        metrics_summary: { icmp: true, snmp: true },
        discovery_info: device,
        alias_history: { last_seen_at: "<time>", collector_ip: "192.0.2.2", current_ip: "192.0.2.7" }
      }
    },
    { path: "/api/devices/nothing", status: 404, answer: problem(404, "Device not found") },
    { path: "/api/devices/default:192.0.2.99", status: 404, answer: problem(404, "Device not found") }
  ],
  "DELETE /api/devices/{id}": [
    { who: "operator", path: "/api/devices/nothing", status: 404, answer: problem(404, "Device not found") },
    { who: "viewer", path: `/api/devices/${byAddress}`, status: 403, answer: text("insufficient permissions") },
    { who: "readOnly", path: `/api/devices/${byAddress}`, status: 403, answer: text("insufficient permissions") }
  ],
  "GET /api/devices/{id}/registry": [
    {
      path: "/api/devices/serviceradar:agent:agent-1/registry",
      status: 404,
      answer: problem(404, "Agent not found in service registry")
    },
    {
      path: "/api/devices/serviceradar:poller:poller-1/registry",
      status: 404,
      answer: problem(404, "Poller not found in service registry")
    },
    {
      path: `/api/devices/${byAddress}/registry`,
      status: 404,
      answer: problem(404, "Device is not a service component (poller/agent/checker)")
    }
  ],
  "GET /api/devices/{id}/graph": [
    { path: `/api/devices/${byAddress}/graph`, status: 200, answer: { result: null } }
  ],
  "GET /api/devices/{id}/metrics": [
    {
      path: `/api/devices/${byAddress}/metrics?type=icmp`,
      status: 200,
      answer: [{
        poller_id: "poller-2",
        name: "icmp_router-ping_response_time_ms",
        target_device_ip: "192.0.2.7",
        device_id: "<filled>",
        partition: "default",
        if_index: 0,
        value: "1500000",
        type: "icmp",
        timestamp: "<time>",
        metadata: "<filled>"
      }]
    },
    {
      path: `/api/devices/${byAddress}/metrics?type=snmp&${span}`,
      status: 200,
      answer: [{
        poller_id: "poller-2",
        name: "ifInOctets",
        target_device_ip: "192.0.2.7",
        device_id: "<filled>",
        partition: "default",
        if_index: 0,
        value: "42",
        type: "snmp",
        timestamp: "<time>",
        metadata: "<filled>"
      }]
    },
    { path: `/api/devices/${byAddress}/metrics?type=flow`, status: 200, answer: null },
    { path: `/api/devices/${byAddress}/metrics?end=no`, status: 400, answer: { status: 400, message: "<filled>" } },
    { path: "/api/devices/nothing/metrics", status: 404, answer: problem(404, "Device not found") }
  ],
  "GET /api/devices/metrics/status": [
    { path: "/api/devices/metrics/status", status: 200, answer: { device_ids: ["<filled>"] } }
  ],
  "POST /api/devices/snmp/status": [
    {
      path: "/api/devices/snmp/status",
      body: { deviceIds: ["nothing"] },
      status: 200,
      answer: { statuses: { nothing: { hasMetrics: false } } }
    },
    {
      path: "/api/devices/snmp/status",
      body: { deviceIds: [] },
      status: 400,
      answer: problem(400, "deviceIds array cannot be empty")
    },
    {
      path: "/api/devices/snmp/status",
      body: {},
      status: 400,
      answer: problem(400, "deviceIds array cannot be empty")
    },
    { path: "/api/devices/snmp/status", body: "{", status: 400, answer: problem(400, "invalid request") },
    {
      path: "/api/devices/snmp/status",
      body: { deviceIds: Array.from({ length: 501 }, (_, index) => `d${index}`) },
      status: 400,
      answer: problem(400, "at most 500 deviceIds at once")
    }
  ],
  "POST /api/devices/search": [
    {
      who: "operator",
      path: "/api/devices/search",
      body: { query: "192.0.2.7", pagination: { limit: -1 } },
      status: 200,
      answer: {
        engine: "registry",
        results: [device],
        pagination: { limit: 100, offset: 0, total: 1, has_more: false },
        diagnostics: { duration_ms: "<number>", engine: "registry", engine_reason: "<filled>", mode: "auto" }
      }
    },
    {
      who: "operator",
      path: "/api/devices/search",
      body: { query: "in:devices ip:192.0.2.7", mode: "auto", filters: {}, pagination: { limit: 10, cursor: "" } },
      status: 200,
      answer: {
        engine: "srql",
        results: [device],
        pagination: { limit: 10, next_cursor: null, prev_cursor: null },
        diagnostics: { duration_ms: "<number>", engine: "srql", engine_reason: "<filled>", mode: "auto" }
      }
    },
    {
      who: "operator",
      path: "/api/devices/search",
      body: { query: "\0", pagination: { limit: 1e9, offset: 1e12 } },
      status: 200,
      answer: {
        engine: "registry",
        results: [],
        pagination: { limit: 500, offset: 1_000_000, total: 0, has_more: false },
        diagnostics: { duration_ms: "<number>", engine: "registry", engine_reason: "<filled>", mode: "auto" }
      }
    },
    {
      who: "operator",
      path: "/api/devices/search",
      body: "not JSON",
      status: 400,
      answer: problem(400, "invalid search request payload")
    },
    {
      who: "operator",
      path: "/api/devices/search",
      body: { query: "in:nothing" },
      status: 400,
      answer: { status: 400, message: "<filled>" }
    },
    { path: "/api/devices/search", body: { query: "x" }, status: 403, answer: text("insufficient permissions") }
  ],
  "GET /api/logs/critical": [
    { who: "operator", path: "/api/logs/critical?limit=-5", status: 200, answer: { logs: [] } },
    { path: "/api/logs/critical", status: 403, answer: text("insufficient permissions") },
    { path: "/api/%6cogs/critical", status: 403, answer: text("insufficient permissions") }
  ],
  "GET /api/logs/critical/counters": [{
    who: "operator",
    path: "/api/logs/critical/counters",
    status: 200,
    answer: { counters: { updated_at: "<time>", window_1h: window, window_24h: window } }
  }],
  "GET /api/services/tree": [
    {
      path: "/api/services/tree?poller=poller-1",
      status: 200,
      answer: [{ poller_id: "poller-1", is_healthy: true, agents: [{ agent_id: "agent-1", services: [kept] }] }]
    },
    {
      path: "/api/services/tree?configured=only&limit=1&offset=0",
      status: 200,
      answer: [{
        poller_id: "poller-2",
        is_healthy: false,
        kv_store_ids: ["hub"],
        agents: [{ agent_id: "agent-2", kv_store_ids: ["hub"], services: [{ ...kept, name: "odd" }] }]
      }]
    },
    { path: "/api/services/tree?poller=nobody", status: 200, answer: [] }
  ],
  "GET /api/kv/endpoints": [{ path: "/api/kv/endpoints", status: 502, answer: noStore }],
  "GET /api/kv/info": [{ path: "/api/kv/info?kv_store_id=hub", status: 502, answer: noStore }],
  "GET /api/identity/sightings": [{
    path: "/api/identity/sightings?limit=-1&offset=x&partition=default",
    status: 200,
    answer: { items: [], total: 0, limit: 100, offset: 0 }
  }],
  "GET /api/identity/sightings/{id}/events": [
    { path: "/api/identity/sightings/x/events", status: 200, answer: { items: [] } }
  ],
  "POST /api/identity/sightings/{id}/promote": [{
    who: "operator",
    path: "/api/identity/sightings/x/promote",
    status: 400,
    answer: problem(400, "identity reconciliation disabled")
  }],
  "POST /api/identity/sightings/{id}/dismiss": [{
    who: "operator",
    path: "/api/identity/sightings/x/dismiss",
    status: 400,
    answer: problem(400, "identity reconciliation disabled")
  }],
  "GET /api/identity/policies": [{ path: "/api/identity/policies", status: 200, answer: { items: [] } }],
  "GET /api/identity/merge-audit": [
    { path: "/api/identity/merge-audit?device_id=x&limit=huge", status: 200, answer: { items: [] } }
  ],
  "POST /api/identity/reconcile": [
    {
      who: "operator",
      path: "/api/identity/reconcile",
      status: 202,
      answer: { status: "reconciliation triggered" }
    },
    { path: "/api/identity/reconcile", status: 403, answer: text("insufficient permissions") }
  ],
  "GET /api/identity/config": [
    { path: "/api/identity/config", status: 200, answer: { identity: { enabled: false }, revision: 0 } }
  ],
  "PUT /api/identity/config": [
    {
      who: "admin",
      path: "/api/identity/config",
      body: {},
      status: 400,
      answer: problem(400, "identity payload is required")
    },
    { who: "admin", path: "/api/identity/config", body: { identity: {} }, status: 502, answer: noStore }
  ],
  "GET /api/admin/agents": [{
    who: "admin",
    path: "/api/admin/agents",
    status: 200,
    answer: [{ agent_id: "<filled>", poller_id: "<filled>", last_seen: "<time>", service_types: ["<filled>"] }]
  }],
  "GET /api/admin/pollers/{id}/agents": [
    {
      who: "admin",
      path: "/api/admin/pollers/poller-2/agents",
      status: 200,
      answer: [{
        agent_id: "agent-2",
        poller_id: "poller-2",
        last_seen: "<time>",
        service_types: ["<filled>"]
      }]
    },
    { who: "admin", path: "/api/admin/pollers/nobody/agents", status: 200, answer: [] }
  ],
  "GET /api/admin/config": [{ who: "admin", path: "/api/admin/config", status: 200, answer: [descriptor] }],
  "GET /api/admin/config/status": [{
    who: "admin",
    path: "/api/admin/config/status",
    status: 502,
    answer: {
      status: "error",
      missing_count: 0,
      error_count: 3,
      entries: [{
        name: "<filled>",
        service_type: "<filled>",
        scope: "<filled>",
        kv_key: "<filled>",
        format: "<filled>",
        found: false,
        error: "<filled>"
      }]
    }
  }],
  "GET /api/admin/config/watchers": [{ who: "admin", path: "/api/admin/config/watchers", status: 200, answer: [] }],
  "GET /api/admin/config/{service}": [
    {
      who: "admin",
      path: "/api/admin/config/core",
      status: 500,
      answer: problem(500, "KV client not available")
    },
    {
      who: "admin",
      path: "/api/admin/config/poller",
      status: 400,
      answer: problem(400, "configuration key could not be determined")
    },
    {
      who: "admin",
      path: "/api/admin/config/agent?agent_id=..%2Fcore",
      status: 400,
      answer: problem(400, "configuration key could not be determined")
    },
    // Settings hold passwords.
    { who: "readOnly", path: "/api/admin/config/core", status: 403, answer: text("insufficient permissions") }
  ],
  "PUT /api/admin/config/{service}": [
    {
      who: "admin",
      path: "/api/admin/config/core",
      body: "{",
      status: 400,
      answer: problem(400, "invalid configuration data")
    },
    {
      who: "admin",
      path: "/api/admin/config/core",
      body: { listen_addr: ":8090" },
      status: 500,
      answer: problem(500, "KV client not available")
    },
    { who: "readOnly", path: "/api/admin/config/core", body: {}, status: 403, answer: text("insufficient permissions") }
  ],
  "GET /api/admin/datasvc-instances": [{ who: "admin", path: "/api/admin/datasvc-instances", status: 200, answer: [] }],
  "GET /api/admin/component-templates": [
    { who: "admin", path: "/api/admin/component-templates", status: 200, answer: [] }
  ],
  "POST /api/admin/spire/join-tokens": [{
    who: "admin",
    path: "/api/admin/spire/join-tokens",
    body: {},
    status: 503,
    answer: problem(503, "SPIRE admin integration unavailable")
  }],
  "GET /api/admin/edge-packages": [
    { who: "admin", path: "/api/admin/edge-packages", status: 502, answer: problem(502, "failed to list packages") },
    {
      who: "admin",
      path: "/api/admin/edge-packages?limit=-1",
      status: 400,
      answer: problem(400, "limit must be a positive integer")
    },
    {
      who: "admin",
      path: "/api/admin/edge-packages?status=issued&status=bogus",
      status: 400,
      answer: problem(400, "unknown status bogus")
    }
  ],
  "POST /api/admin/edge-packages": [
    { who: "admin", path: "/api/admin/edge-packages", body: { label: "x" }, status: 503, answer: onboardingOff }
  ],
  "GET /api/admin/edge-packages/defaults": [
    { who: "admin", path: "/api/admin/edge-packages/defaults", status: 200, answer: {} }
  ],
  "GET /api/admin/edge-packages/{id}": [
    { who: "admin", path: "/api/admin/edge-packages/x", status: 502, answer: noPackage }
  ],
  "DELETE /api/admin/edge-packages/{id}": [
    { who: "admin", path: "/api/admin/edge-packages/x", status: 502, answer: noPackage }
  ],
  "GET /api/admin/edge-packages/{id}/events": [
    { who: "admin", path: "/api/admin/edge-packages/x/events", status: 502, answer: noPackage }
  ],
  "POST /api/admin/edge-packages/{id}/revoke": [
    { who: "admin", path: "/api/admin/edge-packages/x/revoke", status: 502, answer: noPackage }
  ],
  "POST /api/admin/edge-packages/{id}/download": [
    {
      path: "/api/admin/edge-packages/x/download?format=json",
      body: {},
      status: 400,
      answer: problem(400, "download_token is required")
    },
    {
      path: "/api/admin/edge-packages/x/download?format=json",
      body: { download_token: "guessed" },
      status: 503,
      answer: onboardingOff
    }
  ],
  "GET /api/edge-packages/{id}/bundle": [
    { path: "/api/edge-packages/x/bundle", status: 400, answer: { error: "<filled>" } },
    { path: "/api/edge-packages/x/bundle?token=y", status: 503, answer: { error: "edge onboarding is disabled" } }
  ],
  "GET /api/devices/ocsf/export": [
    { path: "/api/devices/ocsf/export", status: 404, answer: text("404 page not found") }
  ]
}

const nameOf = ({ method, path }: { readonly method: string; readonly path: string }) => `${method} ${path}`

const isJson = ({ headers }: Seen) => headers.get("content-type")?.startsWith("application/json") === true

const documentOf = (seen: Seen): unknown => isJson(seen) ? JSON.parse(seen.text) : seen.text

const webDevice: Shape = {
  uid: "<filled>",
  type: "<text or null>",
  type_id: "<number>",
  name: "<text or null>",
  hostname: "<text or null>",
  ip: "<text or null>",
  mac: "<text or null>",
  vendor_name: "<text or null>",
  model: "<text or null>",
  poller_id: "<filled>",
  agent_id: "<filled>",
  partition: "default",
  is_available: "<flag>",
  is_managed: "<flag>",
  discovery_sources: ["<filled>"],
  first_seen_time: "<time>",
  last_seen_time: "<time>"
}

layer(v1Core, { excludeTestServices: true, timeout: "120 seconds" })("The v1 API", (it) => {
  it.effect("has a case for every route, and no others", () =>
    Effect.sync(() => {
      assert.deepStrictEqual(Object.keys(cases).toSorted(), routes.map(nameOf).toSorted())
    }))

  it.effect.each(Object.entries(cases))("answers field by field: %s", ([name, all]) =>
    Effect.gen(function*() {
      const [method = ""] = name.split(" ")
      for (const { answer, body, path, status, who = "viewer" } of all) {
        const seen = yield* ask(who, method, path, body)
        assert.strictEqual(seen.status, status, `${path}: ${seen.text}`)
        assert.deepStrictEqual(differences(answer, documentOf(seen)), [], `${path}: ${seen.text.slice(0, 2000)}`)
        assert.match(seen.headers.get("deprecation") ?? "", /^@\d+$/)
        assert.isAbove(Date.parse(seen.headers.get("sunset") ?? ""), Date.now())
        assert.strictEqual(seen.headers.get("cache-control"), "no-store")
      }
    }))

  it.effect("asks everybody who it is, before it says whether there is anything", () =>
    Effect.gen(function*() {
      for (const route of routes.filter(({ isOpen }) => isOpen !== true)) {
        const path = route.path.replaceAll(/\{\w+\}/g, "x")
        const seen = yield* ask("", route.method, path, route.method === "GET" ? undefined : {})
        assert.strictEqual(seen.status, 401, nameOf(route))
        assert.deepStrictEqual(documentOf(seen), problem(401, "Authentication required"))
      }
    }))

  it.effect("lets only an admin ask for what is an admin's, and nobody change anything with a token for reading", () =>
    Effect.gen(function*() {
      const closed = routes.filter(({ isOpen }) => isOpen !== true)
      for (const route of closed) {
        const path = route.path.replaceAll(/\{\w+\}/g, "x")
        const body = route.method === "GET" ? undefined : {}
        if (route.role === "admin") {
          assert.strictEqual((yield* ask("operator", route.method, path, body)).status, 403, nameOf(route))
        }
        if (route.role !== "viewer") {
          assert.strictEqual((yield* ask("viewer", route.method, path, body)).status, 403, nameOf(route))
        }
        if (route.method !== "GET" && route.isRead !== true) {
          assert.strictEqual((yield* ask("readOnly", route.method, path, body)).status, 403, nameOf(route))
        }
      }
      const refused = yield* ask("viewer", "DELETE", "/api/devices/a%00b")
      const found = yield* ask(
        "admin",
        "GET",
        `/api/v2/audit-entries?filter[request_id]=${refused.headers.get("x-request-id")}&fields[audit-entry]=` +
          "resource,action,record_key,outcome,reason"
      )
      assert.deepStrictEqual(
        JSON.parse(found.text).data?.map(({ attributes }: { readonly attributes: unknown }) => attributes),
        [{
          resource: "v1-route",
          action: "DELETE",
          record_key: "/api/devices/a\uFFFDb",
          outcome: "denied",
          reason: "insufficient permissions"
        }],
        found.text
      )
    }))

  it.effect("tells a bad token from a bad key, and takes an API token under either name", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* V1Core
      const asked = (headers: Readonly<Record<string, string>>) => send(`${base}/api/status`, { headers })
      const bad = yield* asked({ authorization: "Bearer nonsense", "x-api-key": tokens.viewer })
      const badKey = yield* asked({ "x-api-key": "nonsense" })
      const good = yield* asked({ "x-api-key": tokens.viewer })
      assert.deepStrictEqual([bad.status, documentOf(bad)], [401, problem(401, "Invalid bearer token")])
      assert.deepStrictEqual([badKey.status, documentOf(badKey)], [401, problem(401, "Invalid API key")])
      assert.strictEqual(good.status, 200)
    }))

  it.effect("lets its own tokens in and no refresh token, until they are revoked", () =>
    Effect.gen(function*() {
      const { base } = yield* V1Core
      const login = yield* send(`${base}/auth/login`, {
        method: "POST",
        body: JSON.stringify({ username: "guest", password })
      })
      assert.strictEqual(login.status, 200, login.text)
      const { access_token, refresh_token } = JSON.parse(login.text)
      const asked = (token: string, path = "/api/pollers") =>
        Effect.map(send(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } }), ({ status }) => status)
      assert.strictEqual(yield* asked(access_token), 200)
      assert.strictEqual(yield* asked(access_token, "/api/admin/agents"), 403)
      assert.strictEqual(yield* asked(refresh_token), 401)
      yield* send(`${base}/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${access_token}` } })
      assert.strictEqual(yield* asked(access_token), 401)
    }))

  it.effect("answers what asks for tokens, and where their keys are, as the table says", () =>
    Effect.gen(function*() {
      const { base } = yield* V1Core
      const tokens: Shape = { access_token: "<filled>", refresh_token: "<filled>", expires_at: "<time>" }
      const login = (body: unknown) => ["POST", "/auth/login", body] as const
      const refresh = (body: unknown) => ["POST", "/auth/refresh", body] as const
      const good = yield* ask("", ...login({ username: "guest", password }))
      const { access_token, refresh_token } = JSON.parse(good.text)
      const asked: ReadonlyArray<readonly [asked: readonly [string, string, unknown?], status: number, answer: Shape]> =
        [
          [login({ username: "guest", password }), 200, tokens],
          [login({ username: "guest", password: "wrong one" }), 401, text("login failed: invalid credentials")],
          [login({ username: "nobody", password }), 401, text("login failed: invalid credentials")],
          [login("{"), 400, text("invalid request")],
          [login({ username: "guest" }), 400, text("invalid request")],
          [refresh({ refresh_token }), 200, tokens],
          [refresh({ refresh_token: access_token }), 401, text("token refresh failed")],
          [refresh({ refresh_token: "nonsense" }), 401, text("token refresh failed")],
          [refresh("[]"), 400, text("invalid request")],
          [["GET", "/auth/jwks.json"], 200, { keys: [] }],
          [["GET", "/.well-known/openid-configuration"], 200, {
            issuer: base,
            jwks_uri: `${base}/auth/jwks.json`,
            authorization_endpoint: `${base}/auth/sign-in`,
            response_types_supported: ["token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["<filled>"]
          }]
        ]
      for (const [[method, path, body], status, answer] of asked) {
        const seen = yield* ask("", method, path, body)
        assert.strictEqual(seen.status, status, `${path} ${JSON.stringify(body)}: ${seen.text}`)
        assert.deepStrictEqual(differences(answer, documentOf(seen)), [], `${path}: ${seen.text}`)
      }
      const header = JSON.parse(Buffer.from(access_token.split(".")[0], "base64url").toString())
      assert.deepStrictEqual(header, { alg: "HS256", typ: "JWT" })
      const claims = JSON.parse(Buffer.from(access_token.split(".")[1], "base64url").toString())
      assert.deepInclude(claims, {
        user_id: crypto.createHash("sha256").update("guest").digest("base64").replaceAll("+", "-").replaceAll("/", "_"),
        email: "guest",
        provider: "local",
        roles: ["viewer"]
      })
      assert.strictEqual(claims.exp - claims.iat, 86_400)
    }))

  it.effect("says of a provider that nobody has configured that it is not supported", () =>
    Effect.gen(function*() {
      for (const path of ["/auth/google", "/auth/google/callback?code=1"]) {
        const seen = yield* ask("", "GET", path)
        assert.deepStrictEqual([seen.status, seen.text], [400, text("OAuth provider not supported")], path)
      }
      assert.strictEqual((yield* ask("", "GET", "/auth/login")).status, 404)
    }))

  it.effect("has nothing at other paths and for other methods, whoever asks", () =>
    Effect.gen(function*() {
      for (
        const [method, path] of [
          ["GET", "/api/nothing"],
          ["POST", "/api/pollers"],
          ["DELETE", "/api/pollers/poller-1"],
          ["PUT", "/api/devices/x"],
          ["GET", "/api/pollers/a/b/c/d"],
          ["GET", "/api/pollers/"]
        ] as const
      ) {
        for (const who of ["", "admin"] as const) {
          const seen = yield* ask(who, method, path, method === "GET" ? undefined : {})
          assert.deepStrictEqual([seen.status, seen.text], [404, text("404 page not found")], `${method} ${path}`)
        }
      }
    }))

  it.effect("takes no body larger than it reads", () =>
    Effect.gen(function*() {
      const seen = yield* ask("operator", "POST", "/api/devices/search", { query: "x".repeat(100_000) })
      assert.strictEqual(seen.status, 413)
    }))

  it.effect("shows pollers with their services, one of which is no JSON, and a hundred response times", () =>
    Effect.gen(function*() {
      const all = JSON.parse((yield* ask("viewer", "GET", "/api/pollers")).text)
      assert.deepStrictEqual(all.map(({ poller_id }: { readonly poller_id: string }) => poller_id), [
        "poller-1",
        "poller-2"
      ])
      assert.lengthOf(all[1].services, 5)
      const one = JSON.parse((yield* ask("viewer", "GET", "/api/pollers/poller-1")).text)
      assert.lengthOf(one.metrics, 100)
      assert.deepStrictEqual(differences(point, one.metrics.at(-1)), [])
    }))

  it.effect("tells how old its numbers are", () =>
    Effect.gen(function*() {
      const { headers } = yield* ask("viewer", "GET", "/api/stats")
      assert.match(headers.get("x-serviceradar-stats-age-ms") ?? "", /^\d+$/)
      assert.match(headers.get("x-serviceradar-stats-raw-records") ?? "", /^[1-9]\d*$/)
      assert.match(headers.get("x-serviceradar-stats-timestamp") ?? "", /^\d{4}-/)
      for (const  of of["processed-records", "skipped-nil", "skipped-tombstoned", "skipped-non-canonical"]) {
        assert.match(headers.get(`x-serviceradar-stats-${of}`) ?? "", /^\d+$/, of)
      }
    }))

  it.effect("answers a browser's session in the shapes of the later web application", () =>
    Effect.gen(function*() {
      const { base } = yield* V1Core
      const browser = Browser.open(base)
      yield* browser.submit(yield* browser.get("/auth/sign-in"), "/auth/sign-in", { name: "guest", password })
      const got = (path: string) =>
        Effect.map(browser.get(path), ({ status, text }): unknown => [status, JSON.parse(text)])
      const list = yield* browser.get("/api/devices?limit=9999&status=available&search=192.0.2.7")
      assert.deepStrictEqual(
        differences(
          { data: [webDevice], pagination: { limit: 500, offset: 0, next_offset: null } },
          JSON.parse(list.text)
        ),
        []
      )
      const everything = JSON.parse((yield* browser.get("/api/devices")).text).data
      const uidsOf = (devices: ReadonlyArray<{ readonly uid: string }>) => devices.map(({ uid }) => uid)
      const uids = uidsOf(everything)
      const ofSecond = uidsOf(everything.filter((one: { readonly poller_id: string }) => one.poller_id === "poller-2"))
      assert.isNotEmpty(ofSecond)
      assert.isBelow(ofSecond.length, uids.length)
      const last = uids.length - 1
      const pages: ReadonlyArray<readonly [query: string, found: ReadonlyArray<string>, pagination: object]> = [
        ["limit=1", uids.slice(0, 1), { limit: 1, offset: 0, next_offset: 1 }],
        ["limit=1&page=2", uids.slice(1, 2), { limit: 1, offset: 1, next_offset: last > 1 ? 2 : null }],
        [`limit=1&offset=${last}&page=1`, uids.slice(last), { limit: 1, offset: last, next_offset: null }],
        ["limit=-1&offset=x", uids, { limit: 100, offset: 0, next_offset: null }],
        ["limit=501", uids, { limit: 500, offset: 0, next_offset: null }],
        ["offset=100001", [], { limit: 100, offset: 100_000, next_offset: null }],
        ["status=online", uids, { limit: 100, offset: 0, next_offset: null }],
        ["status=offline", [], { limit: 100, offset: 0, next_offset: null }],
        ["status=unavailable", [], { limit: 100, offset: 0, next_offset: null }],
        ["status=perhaps", uids, { limit: 100, offset: 0, next_offset: null }],
        ["poller_id=poller-2", ofSecond, { limit: 100, offset: 0, next_offset: null }],
        ["poller_id=nobody", [], { limit: 100, offset: 0, next_offset: null }],
        ["device_type=none", [], { limit: 100, offset: 0, next_offset: null }],
        ["search=nothing-of-the-kind", [], { limit: 100, offset: 0, next_offset: null }]
      ]
      for (const [query, found, pagination] of pages) {
        const { data, ...shown } = JSON.parse((yield* browser.get(`/api/devices?${query}`)).text)
        assert.deepStrictEqual([uidsOf(data), shown], [found, { pagination }], query)
      }
      const one = yield* browser.get("/api/devices/serviceradar:agent:agent-1")
      assert.deepStrictEqual(differences({ data: webDevice }, JSON.parse(one.text)), [])
      for (const id of ["-x", "nothing", "x".repeat(201), "a%20b"]) {
        assert.deepStrictEqual(yield* got(`/api/devices/${id}`), [404, { errors: { detail: "Not Found" } }], id)
      }
      const exported = yield* browser.get("/api/devices/ocsf/export?limit=5000&offset=-3")
      assert.deepStrictEqual(
        differences({
          ocsf_version: "1.7.0",
          class_uid: 5001,
          class_name: "Device Inventory Info",
          exported_at: "<time>",
          count: "<count>",
          devices: [webDevice]
        }, JSON.parse(exported.text)),
        []
      )
      // Of another site's page.
      const forged = yield* browser.send("/api/devices/serviceradar:agent:agent-1", {
        method: "DELETE",
        headers: { "sec-fetch-site": "cross-site" }
      })
      assert.strictEqual(forged.status, 401)
    }))

  it.effect("answers pages of the sites that its file names, and no others", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* V1Core
      const from = (origin: string, init: RequestInit = {}) =>
        send(`${base}/api/pollers`, {
          ...init,
          headers: { origin, authorization: `Bearer ${tokens.viewer}`, ...init.headers }
        })
      const preflight = { method: "OPTIONS", headers: { "access-control-request-method": "GET" } }
      const listed = yield* from(allowedOrigin)
      assert.deepStrictEqual([listed.status, listed.headers.get("access-control-allow-origin")], [200, allowedOrigin])
      const before = yield* from(allowedOrigin, preflight)
      assert.deepStrictEqual([before.status, before.headers.get("access-control-max-age")], [204, "3600"])
      assert.include(before.headers.get("access-control-allow-headers"), "X-API-Key")
      for (const init of [{}, preflight]) {
        const other = yield* from("https://elsewhere.example.org", init)
        assert.deepStrictEqual([other.status, other.text], [403, text("Origin not allowed")])
        assert.isNull(other.headers.get("access-control-allow-origin"))
      }
    }))

  it.effect("shows people of another tenant nothing of this one", () =>
    Effect.gen(function*() {
      const { base, command } = yield* V1Core
      const { url } = yield* TestDatabase
      yield* command("user", "add", "stranger@example.org", "--role", "admin")
      const sql = yield* PgClient.make({ url, maxConnections: 1 })
      const tenant = "11111111-1111-4111-8111-111111111111"
      yield* sql`set search_path to serviceradar_control`
      yield* sql`insert into tenants (id, name, slug, status, plan, max_devices, max_users, inserted_at, updated_at)
        values (${tenant}, 'Other', 'other', 'active', 'free', 10, 10, now(), now())`
      yield* sql`update users set tenant_id = ${tenant}::uuid where email = 'stranger@example.org'`
      const token = yield* command("token", "create", "stranger@example.org", "--scope", "admin")
      const seen = (path: string) => send(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } })
      const empty: ReadonlyArray<readonly [path: string, status: number, body: unknown]> = [
        ["/api/pollers", 200, []],
        ["/api/devices", 200, []],
        ["/api/services/tree", 200, []],
        ["/api/admin/agents", 200, []],
        ["/api/pollers/poller-1", 404, text("Poller not found")],
        ["/api/pollers/poller-1/history", 200, []],
        ["/api/pollers/poller-1/metrics", 404, text("No metrics found")],
        ["/api/pollers/poller-1/sysmon/cpu", 404, problem(404, "No metrics found")],
        [`/api/devices/${byAddress}`, 404, problem(404, "Device not found")],
        ["/api/devices/serviceradar:agent:agent-1/metrics", 404, problem(404, "Device not found")],
        ["/api/devices/metrics/status", 200, { device_ids: [] }]
      ]
      for (const [path, status, body] of empty) {
        const answer = yield* seen(path)
        assert.deepStrictEqual([answer.status, documentOf(answer)], [status, body], path)
      }
      const stats = JSON.parse((yield* seen("/api/stats")).text)
      assert.deepInclude(stats, { total_devices: 0, devices_with_icmp: 0, partitions: [] })
    }).pipe(Effect.provide(Reactivity.layer), Effect.scoped))

  it.effect("shows of a partition that is named what is in it, and of none that is none", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* V1Core
      const seen = (partition: string, path: string) =>
        send(`${base}${path}`, { headers: { authorization: `Bearer ${tokens.viewer}`, "x-partition-id": partition } })
      const nothing: ReadonlyArray<readonly [path: string, status: number, body: unknown]> = [
        ["/api/pollers", 200, []],
        ["/api/pollers/poller-1", 404, text("Poller not found")],
        ["/api/pollers/poller-1/history", 200, []],
        ["/api/pollers/poller-1/metrics", 404, text("No metrics found")],
        ["/api/services/tree", 200, []],
        ["/api/devices", 200, []],
        [`/api/devices/${byAddress}`, 404, problem(404, "Device not found")],
        ["/api/devices/metrics/status", 200, { device_ids: [] }]
      ]
      for (const [path, status, body] of nothing) {
        const other = yield* seen("elsewhere", path)
        assert.deepStrictEqual([other.status, documentOf(other)], [status, body], path)
        const own = yield* seen("default", path)
        assert.strictEqual(own.status, 200, path)
        assert.notDeepEqual(documentOf(own), body, path)
      }
      assert.strictEqual((yield* seen("", "/api/status")).status, 400)
    }))

  it.effect("counts what services of the tenant have logged, and shows what went wrong", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const sql = yield* PgClient.make({ url, maxConnections: 1 })
      const logs = coreCatalog.entities.find(({ name }) => name === "logs")
      const columns = (logs?.columns ?? []).map(({ name, type }) => `${name} ${postgresTypes[type]}`)
      yield* sql.unsafe(`create table public.logs (tenant_id text, ${columns.join(", ")})`)
      yield* sql.unsafe(`grant select on public.logs to ${RowSecurity.role}`)
      const log = (tenant: string, severity: string, body: string) =>
        sql`insert into public.logs (tenant_id, timestamp, severity_text, severity_number, body, service_name, created_at)
          values (${tenant}, now() - interval '1 minute', ${severity}, 17, ${body}, 'api', now())`
      yield* log("default", "ERROR", "disk full")
      yield* log("default", "INFO", "fine")
      yield* log("other", "FATAL", "not for them")
      const listed = yield* ask("operator", "GET", "/api/logs/critical?limit=9999")
      assert.strictEqual(listed.status, 200, listed.text)
      const shown = JSON.parse(listed.text)
      assert.lengthOf(shown.logs, 1)
      assert.deepInclude(shown.logs[0], { severity_text: "ERROR", body: "disk full", service_name: "api" })
      const { counters } = JSON.parse((yield* ask("operator", "GET", "/api/logs/critical/counters")).text)
      assert.deepStrictEqual(counters.window_1h, { ...window, total: 2, error: 1, info: 1 })
      assert.deepStrictEqual(counters.window_24h, counters.window_1h)
    }).pipe(Effect.provide(Reactivity.layer), Effect.scoped))

  it.effect("takes a device out of its lists and shows it as deleted", () =>
    Effect.gen(function*() {
      const { device_id } = JSON.parse((yield* ask("viewer", "GET", `/api/devices/${byAddress}`)).text)
      for (let times = 0; times < 2; times++) {
        const removed = yield* ask("operator", "DELETE", `/api/devices/${encodeURIComponent(device_id)}`)
        assert.deepStrictEqual([removed.status, documentOf(removed)], [200, {
          device_id,
          message: "Device deleted successfully"
        }])
      }
      const left = yield* ask("viewer", "GET", `/api/devices/${encodeURIComponent(device_id)}`)
      assert.deepInclude(JSON.parse(left.text).metadata, { _deleted: "true" })
      assert.deepStrictEqual(documentOf(yield* ask("viewer", "GET", "/api/devices?search=192.0.2.7")), [])
    }))
})
