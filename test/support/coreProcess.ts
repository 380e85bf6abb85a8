/** What tests of core as a process of its own start with: a file, free ports, and a report to send. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, type Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { ServiceStatus } from "../../src/gen/monitoring/monitoring.ts"
import * as Program from "./Program.ts"

/** Core's file in a folder, with a PostgreSQL of its own beside it. */
export const configured = Effect.fnUntraced(function*(folder: string) {
  const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
  const config = path.join(folder, "core.json")
  const data = path.join(folder, "pg")
  const text = JSON.stringify({
    listen_addr: `127.0.0.1:${ports.http}`,
    grpc_addr: `127.0.0.1:${ports.grpc}`,
    data_dir: data
  })
  yield* Effect.promise(() => fs.writeFile(config, text))
  return { config, data, ports }
})

/** One status of an agent's port check, as it travels. */
export const wireStatus = (of: Pick<ServiceStatus, "serviceName"> & Partial<ServiceStatus>): ServiceStatus => ({
  serviceType: "port",
  available: true,
  message: Buffer.from("{}"),
  responseTime: 1n,
  agentId: "agent-1",
  pollerId: "poller-1",
  partition: "default",
  source: "getStatus",
  kvStoreId: "",
  ...of
})

/** A report of one poller at a time in seconds since 1970. */
export const wireReport = (timestamp: bigint, services: Array<ServiceStatus>) => ({
  pollerId: "poller-1",
  agentId: "",
  timestamp,
  partition: "default",
  sourceIp: "127.0.0.1",
  kvStoreId: "",
  services
})

/** How many losses and returns of pollers a core's database still has to tell webhooks of. */
export const untoldTurns = (url: Redacted.Redacted) =>
  Effect.map(
    Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer),
    (sql) => Effect.map(sql`select from untold_poller_turns`, (rows) => rows.length)
  )
