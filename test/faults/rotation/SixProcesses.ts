/** Agent, poller, core and event writer as processes of their own, with a NATS and a PostgreSQL, all of them over mTLS. */
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import { type Authority, authority, type Issued, write } from "../../support/authority.ts"
import { get } from "../../support/http.ts"
import * as natsServer from "../../support/natsServer.ts"
import * as Program from "../../support/Program.ts"
import * as SecuredPostgres from "../../support/securedPostgres.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { type Door, protocols } from "../../support/tlsDoors.ts"

/** Checks of one interval, which is a second. */
const checks = 240

const services = ["agent", "poller", "core", "writer", "nats", "postgres", "sender"] as const
export type Service = typeof services[number]

const writeJson = (file: string, value: unknown) => Effect.promise(() => fs.writeFile(file, JSON.stringify(value)))

/** Accepts and lets go: what the agent's port checks find. */
const target = Effect.acquireRelease(
  Effect.callback<{ readonly server: net.Server; readonly port: number }>((resume) => {
    const server = net.createServer((socket) => socket.on("error", () => {}).end())
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed({ server, port: typeof address === "object" && address !== null ? address.port : 0 }))
    })
  }),
  ({ server }) => Effect.sync(() => server.close())
)

const isReady = (port: number, programs: ReadonlyArray<Program.Program> = []) =>
  Program.eventually(
    `readiness at ${port}`,
    Effect.map(
      Effect.catchDefect(get(`127.0.0.1:${port}`, "/health/ready"), (cause) => Effect.fail(String(cause))),
      Option.liftPredicate(({ status }) => status === 200)
    ),
    { within: "40 seconds", programs }
  )

export const issue = (ca: Authority, service: Service): Issued => ca.issue({ commonName: `${service}.serviceradar` })

export const start = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const certs = path.join(folder, "certs")
  yield* Effect.promise(() => fs.mkdir(certs))
  let issued = new Map<Service, Issued>()
  /** Everybody's certificate, of this CA, with these roots. */
  const install = (ca: Authority, roots: string) =>
    Effect.promise(async () => {
      issued = new Map(services.map((service) => [service, issue(ca, service)]))
      for (const [service, one] of issued) await write(certs, service, one, roots)
    })
  const first = authority("CA 0")
  yield* install(first, first.root)

  const of = (service: Service): Issued => issued.get(service) ?? issue(first, service)
  const file = (name: string) => path.join(certs, name)
  const postgres = yield* SecuredPostgres.start(of("postgres"), first.root)
  const nats = yield* natsServer.start({
    config: `tls { cert_file: ${JSON.stringify(file("nats.pem"))}, key_file: ${
      JSON.stringify(file("nats-key.pem"))
    }, ca_file: ${JSON.stringify(file("root.pem"))}, verify: true }`
  })
  const { port: targetPort } = yield* target

  const security = (service: Service, server?: string) => ({
    mode: "mtls",
    cert_dir: certs,
    role: service === "writer" ? "core" : service,
    ...(server === undefined ? {} : { server_name: server }),
    tls: { cert_file: `${service}.pem`, key_file: `${service}-key.pem`, ca_file: "root.pem" },
    rate_limits: { poller: { per_second: 5_000, burst: 10_000 } }
  })
  const at = {
    agent: yield* Program.freePort,
    core: yield* Program.freePort,
    poller: yield* Program.freePort,
    writer: yield* Program.freePort
  }
  const http = {
    agent: yield* Program.freePort,
    core: yield* Program.freePort,
    poller: yield* Program.freePort,
    writer: yield* Program.freePort
  }
  const config = (name: string) => path.join(folder, `${name}.json`)
  const databaseUrl = new URL(postgres.url.href)
  databaseUrl.search = new URLSearchParams({
    sslmode: "verify-full",
    sslcert: file("core.pem"),
    sslkey: file("core-key.pem"),
    sslrootcert: file("root.pem")
  }).toString()

  yield* writeJson(config("agent"), {
    agent_id: "agent-1",
    listen_addr: `127.0.0.1:${at.agent}`,
    security: security("agent")
  })
  yield* writeJson(config("core"), {
    listen_addr: `127.0.0.1:${http.core}`,
    grpc_addr: `127.0.0.1:${at.core}`,
    database_url: databaseUrl.href,
    security: security("core")
  })
  yield* writeJson(config("poller"), {
    poller_id: "poller-1",
    listen_addr: `127.0.0.1:${at.poller}`,
    partition: "default",
    source_ip: "127.0.0.1",
    core_address: `127.0.0.1:${at.core}`,
    poll_interval: "1s",
    security: security("poller", "core.serviceradar"),
    agents: {
      "agent-1": {
        address: `127.0.0.1:${at.agent}`,
        security: security("poller", "agent.serviceradar"),
        checks: Array.from({ length: checks }, (_, index) => ({
          service_type: "port",
          service_name: `port-${index}`,
          details: `127.0.0.1:${targetPort}`
        }))
      }
    }
  })
  yield* writeJson(config("writer"), {
    listen_addr: `127.0.0.1:${at.writer}`,
    nats_url: `nats://127.0.0.1:${nats.port}`,
    stream_name: "events",
    consumer_name: "writer",
    streams: [{ subject: "telemetry.>", table: "timeseries_metrics" }],
    create_streams: true,
    tenant: "acme",
    ack_wait: "5s",
    security: security("writer"),
    nats_security: security("writer"),
    cnpg: {
      host: "127.0.0.1",
      port: postgres.port,
      database: "serviceradar",
      username: decodeURIComponent(postgres.url.username),
      password: decodeURIComponent(postgres.url.password),
      ssl_mode: "verify-full",
      cert_dir: certs,
      tls: { cert_file: "writer.pem", key_file: "writer-key.pem", ca_file: "root.pem" }
    }
  })
  const start = (command: string, name: keyof typeof http) =>
    Program.start([command, "--config", config(name), "--http", `127.0.0.1:${http[name]}`])
  const servers = {
    core: yield* start("core", "core"),
    agent: yield* start("agent", "agent"),
    writer: yield* start("event-writer", "writer")
  }
  yield* Effect.forEach([http.core, http.agent], (port) => isReady(port, Object.values(servers)))
  // A check of an agent that does not listen yet would count as a failed call.
  const programs = { ...servers, poller: yield* start("poller", "poller") }

  /** All six get what the folder holds now. */
  const renewServers = (roots: string) =>
    Effect.gen(function*() {
      yield* postgres.secure(of("postgres"), roots)
      yield* Effect.sync(() => process.kill(nats.pid, "SIGHUP"))
    })
  const trust = (roots: string) =>
    Effect.andThen(
      Effect.promise(async () => {
        await fs.writeFile(file(".root.pem.new"), roots)
        await fs.rename(file(".root.pem.new"), file("root.pem"))
      }),
      Effect.suspend(() => renewServers(roots))
    )
  const replace = (ca: Authority, roots: string) =>
    Effect.andThen(install(ca, roots), Effect.suspend(() => renewServers(roots)))
  const doors: ReadonlyArray<Door> = [
    ...Object.entries(at).map(([name, port]) => ({ name, port, protocol: protocols.grpc })),
    { name: "NATS", port: nats.port, protocol: protocols.nats },
    { name: "PostgreSQL", port: postgres.port, protocol: protocols.postgres }
  ]
  return { certs, doors, file, first, http, nats, of, postgres, programs, replace, trust }
})

export type SixProcesses = Effect.Success<typeof start>

export const all = ({ programs }: SixProcesses) => Object.values(programs)

/** The sum of a metric's series, with these labels if any are given. */
const sumOf = (text: string, name: string, labels = ""): number =>
  text.split("\n")
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0)

/** What a program has counted so far. */
export const counted = (rig: SixProcesses, name: keyof SixProcesses["http"]) =>
  Effect.map(get(`127.0.0.1:${rig.http[name]}`, "/metrics"), ({ body }) => {
    const text = String(body)
    return {
      polls: sumOf(text, "polls_total"),
      failed: sumOf(text, "polls_failed"),
      reports: sumOf(text, "core_reports_sent"),
      dropped: sumOf(text, "report_buffer_dropped_total"),
      retried: sumOf(text, "grpc_client_retries_total"),
      rejected: sumOf(text, "security_events_total", "kind=\"certificate_validation_failed\"")
    }
  })

export const names = ["agent", "core", "poller", "writer"] as const satisfies ReadonlyArray<keyof SixProcesses["http"]>

export const awaitReady = ({ http, programs }: SixProcesses) =>
  Effect.forEach(Object.values(http), (port) => isReady(port, Object.values(programs)))
