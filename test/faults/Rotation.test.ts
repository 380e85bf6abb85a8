/**
 * Agent, poller, core and event writer as processes of their own, with a NATS and a PostgreSQL, all of them over mTLS,
 * while CA and certificates of all six are replaced again and again.
 *
 * Each round is a change of the CA: first everybody trusts both, then everybody gets a certificate of the new one, then
 * the old one is trusted no more.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Clock, Effect, Fiber, Option, Redacted, References, Schedule } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import * as tls from "node:tls"
import { NatsConnection } from "../../src/layers/nats/connection/NatsConnection.ts"
import { type Authority, authority, type Issued, write } from "../support/authority.ts"
import { get } from "../support/http.ts"
import { markedEvent } from "../support/markedEvents.ts"
import * as natsClient from "../support/natsClient.ts"
import * as natsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import * as SecuredPostgres from "../support/securedPostgres.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

/** Ten in the long form. */
const rounds = Number(process.env["ROTATION_ROUNDS"] ?? 2)

/** Polls of one interval, which is a second. */
const checks = 240
const callsPerSecondMin = 200
const movedWithin = "15 seconds"

const services = ["agent", "poller", "core", "writer", "nats", "postgres", "sender"] as const
type Service = typeof services[number]

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

/** The client's ports of the connections to a port of the loopback that are open now. */
const connectionsTo = async (port: number): Promise<ReadonlySet<number>> => {
  const found = new Set<number>()
  const table = await fs.readFile("/proc/net/tcp", "utf8")
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", remote = "", state] = line.trim().split(/\s+/)
    const portOf = (address: string) => Number.parseInt(address.split(":")[1] ?? "", 16)
    if (state === "01" && portOf(remote) === port) found.add(portOf(local))
  }
  return found
}

/** Whether a gRPC server lets in a client with this certificate. TLS 1.3 tells with the first bytes after the handshake. */
const letsIn = (port: number, { cert, key }: Issued): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const options = { port, host: "127.0.0.1", cert, key, rejectUnauthorized: false, ALPNProtocols: ["h2"] }
    const socket = tls.connect(options)
    socket.once("data", () => resume(Effect.succeed(true)))
    socket.once("error", () => resume(Effect.succeed(false)))
    socket.once("close", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOption("5 seconds"), Effect.map(Option.getOrElse(() => false)), Effect.scoped)

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const certs = path.join(folder, "certs")
  yield* Effect.promise(() => fs.mkdir(certs))
  const issue = (ca: Authority, service: Service) => ca.issue({ commonName: `${service}.serviceradar` })
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
  const programs = {
    core: yield* start("core", "core"),
    agent: yield* start("agent", "agent"),
    writer: yield* start("event-writer", "writer"),
    poller: yield* start("poller", "poller")
  }

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
  return { at, certs, file, first, http, issue, nats, postgres, programs, replace, trust }
})

type SetUp = Effect.Success<typeof setUp>

const all = ({ programs }: SetUp) => Object.values(programs)

const metric = (text: string, name: string): number =>
  Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)$`, "m").exec(text)?.[1] ?? 0)

/** What the poller has counted so far. */
const polled = ({ http }: SetUp) =>
  Effect.map(get(`127.0.0.1:${http.poller}`, "/metrics"), ({ body }) => ({
    polls: metric(String(body), "polls_total"),
    failed: metric(String(body), "polls_failed"),
    reports: metric(String(body), "core_reports_sent"),
    dropped: metric(String(body), "report_buffer_dropped_total")
  }))

const awaitReady = (rig: SetUp) =>
  Effect.forEach(Object.values(rig.http), (port) =>
    Program.eventually(
      `readiness at ${port}`,
      Effect.map(
        Effect.catchDefect(get(`127.0.0.1:${port}`, "/health/ready"), (cause) => Effect.fail(String(cause))),
        Option.liftPredicate(({ status }) => status === 200)
      ),
      { within: "40 seconds", programs: all(rig) }
    ))

/** Whom each gRPC server lets in, until it is as wanted. */
const untilLetIn = (rig: SetUp, issued: Issued, wanted: boolean) =>
  Effect.forEach(Object.entries(rig.at), ([name, port]) =>
    Program.eventually(
      `${name} ${wanted ? "lets in" : "refuses"} a certificate`,
      Effect.map(letsIn(port, issued), Option.liftPredicate((isIn) => isIn === wanted)),
      { within: movedWithin, programs: all(rig) }
    ))

const listeners = ({ at, nats, postgres }: SetUp) =>
  Object.entries({ ...at, NATS: nats.port, PostgreSQL: postgres.port })

const openNow = (rig: SetUp) => Effect.promise(() => Promise.all(listeners(rig).map(([, port]) => connectionsTo(port))))

/** None of the connections of before is left, and there are others. The test's own door to PostgreSQL stays. */
const moved = (rig: SetUp, before: ReadonlyArray<ReadonlySet<number>>, own: ReadonlySet<number>) =>
  Program.eventually(
    "every connection made anew",
    Effect.flatMap(openNow(rig), (now) => {
      const stale = now.flatMap((open, index) =>
        [...open].filter((one) => !own.has(one) && before[index]?.has(one) === true).map((one) =>
          `${one} to ${listeners(rig)[index]?.[0]}`
        )
      )
      return stale.length === 0 ? Effect.succeedSome(true) : Effect.fail(`still open: ${stale.join(", ")}`)
    }),
    { within: movedWithin, programs: all(rig) }
  )

/** How the server of the database sees its clients: whose certificates, and by whom they were issued. */
const issuersInDatabase = ({ postgres }: SetUp) =>
  Effect.map(
    postgres.sql<{ readonly issuer: string | null }>`
      select distinct issuer_dn as issuer from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = 'serviceradar'`,
    (rows) => rows.map(({ issuer }) => issuer)
  )

/** Publishes ten events a second, each until it is acknowledged. */
const publishing = Effect.fnUntraced(function*(count: { sent: number }) {
  const connection = yield* NatsConnection
  for (;;) {
    // All of one table, and none of them poison.
    const { data, subject } = markedEvent(7 * (2 * count.sent + 1))
    const send = Effect.flatMap(
      connection.client,
      ({ nc }) =>
        Effect.tryPromise(() => jetstream(nc).publish(subject, data, { msgID: `event-${count.sent}`, timeout: 3_000 }))
    )
    yield* Effect.retry(send, Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(100)]))
    count.sent += 1
    yield* Effect.sleep("100 millis")
  }
})

const sender = ({ file, nats }: SetUp) =>
  natsClient.layer(nats.url, {
    credentials: { tls: { caFile: file("root.pem"), certFile: file("sender.pem"), keyFile: file("sender-key.pem") } }
  })

/** What became of calls and events, asked for with a certificate of now. */
const stored = ({ issue, postgres }: SetUp, ca: Authority) =>
  Effect.gen(function*() {
    const ssl = { ...issue(ca, "sender"), ca: ca.root }
    const sql = yield* PgClient.make({ url: Redacted.make(postgres.url.href), ssl, maxConnections: 1 })
    const [row] = yield* sql<{ readonly calls: number; readonly failed: number; readonly events: number }>`
      select (select count(*)::int from service_status_history) as calls,
        (select count(*)::int from service_status_history where not available) as failed,
        (select count(*)::int from platform.timeseries_metrics) as events`
    return row ?? { calls: 0, failed: 0, events: 0 }
  }).pipe(Effect.provide(Reactivity.layer), Effect.scoped)

describe("Certificates of six processes", () => {
  it.live(
    `replaced with their CA ${rounds} times under ${callsPerSecondMin} calls a second, fail no call and leave no connection behind`,
    () =>
      Effect.gen(function*() {
        const rig = yield* setUp
        const own = yield* Effect.promise(() => connectionsTo(rig.postgres.port))
        yield* awaitReady(rig)
        const events = { sent: 0 }
        const publisher = yield* publishing(events).pipe(Effect.provide(sender(rig)), Effect.forkScoped)
        const before = yield* polled(rig)
        const startedAt = yield* Clock.currentTimeMillis
        let current = rig.first

        for (let round = 1; round <= rounds; round++) {
          const next = authority(`CA ${round}`)
          const both = `${current.root}\n${next.root}`
          yield* rig.trust(both)
          yield* untilLetIn(rig, rig.issue(next, "poller"), true)
          const open = yield* openNow(rig)
          yield* rig.replace(next, both)
          yield* moved(rig, open, own)
          const issuers = yield* issuersInDatabase(rig)
          assert.isTrue(issuers.length > 0 && issuers.every((one) => one?.includes(`CA ${round}`)), String(issuers))
          yield* rig.trust(next.root)
          yield* untilLetIn(rig, rig.issue(current, "poller"), false)
          current = next
        }
        yield* awaitReady(rig)
        const after = yield* polled(rig)
        const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1_000
        yield* Fiber.interrupt(publisher)
        const found = yield* Program.eventually(
          `${events.sent} events stored`,
          Effect.map(stored(rig, current), Option.liftPredicate((one) => one.events >= events.sent)),
          { within: "20 seconds", programs: all(rig) }
        )

        assert.deepStrictEqual([after.failed - before.failed, after.dropped - before.dropped, found.failed], [0, 0, 0])
        assert.isAtLeast((after.polls - before.polls) / seconds, callsPerSecondMin)
        assert.isAbove(found.calls, callsPerSecondMin * seconds)
        assert.isAbove(after.reports, before.reports)
        assert.isAbove(events.sent, 0)
      }).pipe(Effect.provide(NodeServices.layer), Effect.provideService(References.MinimumLogLevel, "None")),
    60_000 + rounds * 60_000
  )
})
