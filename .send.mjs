// NATS_URL=.. PGURL=.. node send.mjs : publishes all cases with tenant = id, waits, prints what is stored
import { cases } from "/tmp/b13/cases.mjs"
import { jetstream } from "@nats-io/jetstream"
import { connect, headers } from "@nats-io/transport-node"
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
const prefix = process.env.PREFIX ?? ""
const only = process.env.ONLY?.split(",")
const nc = await connect(JSON.parse(process.env.NATS_OPTS))
const js = jetstream(nc)
const todo = cases.filter((x) => !only || only.includes(x.id))
for (const x of todo) {
  const h = headers()
  h.set("X-Tenant-Id", prefix + x.id)
  for (const [k, v] of Object.entries(x.headers ?? {})) h.set(k, v)
  if (!process.env.NOSEND) {
    await js.publish(x.subject, typeof x.payload === "string" ? Buffer.from(x.payload) : x.payload, { headers: h })
  }
}
await new Promise((r) => setTimeout(r, Number(process.env.WAIT ?? 8000)))
const q = (sql) =>
  JSON.parse(
    execFileSync("psql", [
      process.env.PGURL,
      "-XAtc",
      `set search_path=platform; select coalesce(json_agg(x),'[]') from (${sql}) x`
    ], { maxBuffer: 1e9 }).toString().split("\n").filter((l) => l.startsWith("[") || l.startsWith(" ")).join("\n") ||
      "[]"
  )
const rows = {}
for (
  const t of [
    "logs",
    "ocsf_events",
    "timeseries_metrics",
    "otel_metrics",
    "otel_traces",
    "sweep_host_states",
    "ocsf_network_activity"
  ]
) {
  for (const r of q(`select * from ${t} where tenant_id like '${prefix}c___'`)) (rows[r.tenant_id] ??= []).push([t, r])
}
// dead letters
const dl = {}
const { jetstreamManager } = await import("@nats-io/jetstream")
const jsm = await jetstreamManager(nc)
try {
  const info = await jsm.streams.info("DLQ")
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq++) {
    const m = await jsm.streams.getMessage("DLQ", { seq }).catch(() => null)
    if (!m) continue
    const t = Object.fromEntries(JSON.parse(m.header.get("Dlq-Headers") || "[]"))["X-Tenant-Id"] ?? "?"
    const err = m.header.get("Dlq-Letter").replace(/.*"error":"/, "")
    ;(dl[t] ??= []).push(err)
  }
} catch (e) {
  console.log("dlq", e.message)
}
await nc.close()
const drop = new Set([
  "tenant_id",
  "ingest_id",
  "created_at",
  "class_uid",
  "category_uid",
  "type_uid",
  "activity_id",
  "activity_name",
  "status_id",
  "status",
  "raw_data",
  "metadata",
  "partition",
  "gateway_id",
  "series_key"
])
let out = ""
for (const x of todo) {
  const id = prefix + x.id
  out += `\n${x.id} ${x.subject} ${String(x.payload).slice(0, 260)}\n   RIGHT: ${x.right}\n`
  for (const [t, r] of rows[id] ?? []) {
    out += `   ${t}: ${
      JSON.stringify(Object.fromEntries(Object.entries(r).filter(([k, v]) => v !== null && v !== "" && !drop.has(k))))
        .slice(0, 900)
    }\n`
  }
  for (const d of dl[id] ?? []) out += `   DLQ ${d.slice(0, 300)}\n`
  if (!rows[id] && !dl[id]) out += "   NOTHING\n"
}
writeFileSync("/tmp/b13/out.txt", out)
console.log(todo.length, "cases,", Object.keys(rows).length, "with rows,", Object.keys(dl).length, "with dead letters")
