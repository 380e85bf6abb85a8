/**
 * Programs as processes of their own whose identities come from a Workload API on a unix socket, with files as
 * the Docker set-up of the existing system has them. Each gets another certificate every second.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, References, Schedule, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as path from "node:path"
import { HealthService } from "../../src/gen/grpc/health/v1/health.ts"
import { PermissionDenied } from "../../src/layers/grpc/GrpcError.ts"
import { type Authority, authority } from "../support/authority.ts"
import { get } from "../support/http.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"
import * as WorkloadApi from "../support/workloadApi.ts"

const domain = "carverauto.dev"
const idOf = (service: string) => `spiffe://${domain}/services/${service}`

/** Another certificate at once and every second; for the first caller there is none yet. */
const rotating = (socket: string, service: string, ca: Authority) =>
  WorkloadApi.serve(socket, (call) =>
    call === 0
      ? Stream.fail(new PermissionDenied({ detail: "no identity issued" }))
      : Stream.map(Stream.tick("1 second"), () => WorkloadApi.svid({ spiffeId: idOf(service), ca })))

const target = Effect.acquireRelease(
  Effect.callback<net.Server>((resume) => {
    const server = net.createServer((socket) => socket.on("error", () => {}).end())
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
)

const sumOf = (text: string, name: string, label = ""): number =>
  text.split("\n")
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0)

interface Shipped {
  readonly command: string
  /** Its file as the Docker set-up has it, with ports and folders of the test. */
  readonly config: (rig: {
    readonly folder: string
    readonly grpc: number
    readonly http: number
    readonly nobody: number
    readonly security: unknown
  }) => unknown
}

const tls = (name: string) => ({ cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" })

const shipped: Readonly<Record<string, Shipped>> = {
  sync: {
    command: "sync",
    config: ({ folder, grpc, nobody, security }) => ({
      listen_addr: `127.0.0.1:${grpc}`,
      kv_address: `127.0.0.1:${nobody}`,
      discovery_interval: "6h",
      update_interval: "12h",
      agent_id: "docker-agent",
      poller_id: "docker-poller",
      spool_dir: path.join(folder, "spool"),
      sources: {
        netbox: { type: "netbox", endpoint: `http://127.0.0.1:${nobody}`, credentials: { api_token: "t" } }
      },
      security
    })
  },
  "db-event-writer": {
    command: "event-writer",
    config: ({ grpc, nobody, security }) => ({
      listen_addr: `127.0.0.1:${grpc}`,
      nats_url: `nats://127.0.0.1:${nobody}`,
      stream_name: "events",
      consumer_name: "db-event-writer",
      streams: [{ subject: "events.poller.health", table: "events" }],
      security,
      cnpg: { host: "127.0.0.1", port: nobody, database: "serviceradar", username: "serviceradar" }
    })
  },
  core: {
    command: "core",
    config: ({ grpc, http, security }) => ({
      listen_addr: `127.0.0.1:${http}`,
      grpc_addr: `127.0.0.1:${grpc}`,
      security
    })
  }
}

/** What becomes of a call of health with this certificate. */
const health = (port: number, pems: { readonly cert?: string; readonly key?: string; readonly ca: string }) =>
  Effect.acquireUseRelease(
    Effect.sync(() => http2.connect(`https://127.0.0.1:${port}`, { ...pems, checkServerIdentity: () => undefined })),
    (session) =>
      Effect.callback<string>((resume) => {
        const end = (text: string) => resume(Effect.succeed(text))
        session.on("error", () => end("refused")).on("close", () => end("refused"))
        const stream = session.request({
          ":method": "POST",
          ":path": HealthService.check.path,
          "content-type": "application/grpc",
          te: "trailers"
        })
        stream.on("error", () => end("refused"))
        stream.on("trailers", (headers) => end(`status ${String(headers["grpc-status"])}`))
        stream.on("response", (headers) => {
          if (headers["grpc-status"] !== undefined) end(`status ${String(headers["grpc-status"])}`)
        })
        stream.resume().end(Buffer.alloc(5))
      }).pipe(Effect.timeout("20 seconds")),
    (session) => Effect.sync(() => session.destroy())
  )

describe("Identities of a Workload API", () => {
  it.live.each(Object.entries(shipped))("serve %s, with its shipped file, to members of the trust domain alone", (
    [name, { command, config }]
  ) =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [ca, other] = [authority("SPIRE"), authority("Another SPIRE")]
      const socket = path.join(folder, "agent.sock")
      yield* rotating(socket, name, ca)
      const [grpc, http, nobody] = yield* Effect.all([Program.freePort, Program.freePort, Program.freePort])
      const file = path.join(folder, `${name}.json`)
      const security = {
        mode: "spiffe",
        cert_dir: "/etc/serviceradar/certs",
        role: name,
        trust_domain: domain,
        server_spiffe_id: idOf("core"),
        workload_socket: `unix://${socket}`,
        tls: tls(name)
      }
      const text = JSON.stringify(config({ folder, grpc, http, nobody, security }))
      yield* Effect.promise(() => fs.writeFile(file, text))
      const { url } = yield* TestDatabase
      const env = command === "core" ? { DATABASE_URL: Redacted.value(url) } : {}
      const check = yield* Program.start(["config", "check", "--kind", command, file], { env })
      const checked = yield* check.exited
      const program = yield* Program.start([command, "--config", file], { env })
      const member = ca.issue({ commonName: "", dnsNames: [], addresses: [], spiffeId: idOf("poller") })
      const stranger = other.issue({ commonName: "", dnsNames: [], addresses: [], spiffeId: idOf("poller") })
      const elsewhere = ca.issue({ commonName: "", spiffeId: "spiffe://elsewhere.example/services/poller" })
      const ask = (pems: { readonly cert?: string; readonly key?: string }) => health(grpc, { ...pems, ca: ca.root })

      yield* Program.eventually(
        "a member is answered",
        Effect.map(ask(member), Option.liftPredicate((answer) => answer === "status 0")),
        { within: "60 seconds", programs: [program] }
      )
      const answers = [yield* ask({}), yield* ask(stranger), yield* ask(elsewhere), yield* ask(member)]

      assert.strictEqual(checked, 0, check.output())
      assert.deepStrictEqual(answers.slice(0, 2), ["refused", "refused"])
      assert.notStrictEqual(answers[2], "status 0")
      assert.strictEqual(answers[3], "status 0")
    }).pipe(
      Effect.provide(Layer.mergeAll(NodeServices.layer, TestDatabase.layer)),
      Effect.provideService(References.MinimumLogLevel, "None")
    ), 120_000)

  it.live("that come late and change every second fail no check", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority("SPIRE")
      const address = (yield* target).address()
      const [agentPort, agentHttp, pollerHttp, nobody] = yield* Effect.all([
        Program.freePort,
        Program.freePort,
        Program.freePort,
        Program.freePort
      ])
      const socketOf = (service: string) => path.join(folder, `${service}.sock`)
      const security = (service: string, server: string) => ({
        mode: "spiffe",
        cert_dir: "/etc/serviceradar/certs",
        role: service,
        trust_domain: domain,
        server_spiffe_id: idOf(server),
        workload_socket: `unix://${socketOf(service)}`,
        tls: { cert_file: `${service}.pem`, key_file: `${service}-key.pem`, ca_file: "root.pem" }
      })
      yield* rotating(socketOf("agent"), "agent", ca)
      yield* rotating(socketOf("poller"), "poller", ca)
      const write = (name: string, config: unknown) =>
        Effect.promise(() => fs.writeFile(path.join(folder, `${name}.json`), JSON.stringify(config)))
      yield* write("agent", {
        agent_id: "docker-agent",
        listen_addr: `127.0.0.1:${agentPort}`,
        security: security("agent", "agent")
      })
      yield* write("poller", {
        agents: {
          "docker-agent": {
            address: `127.0.0.1:${agentPort}`,
            security: security("poller", "agent"),
            checks: Array.from({ length: 20 }, (_, index) => ({
              service_type: "port",
              service_name: `port-${index}`,
              details: `127.0.0.1:${typeof address === "object" ? address?.port : 0}`
            }))
          }
        },
        core_address: `127.0.0.1:${nobody}`,
        poller_id: "docker-poller",
        partition: "default",
        source_ip: "127.0.0.1",
        poll_interval: "1s",
        security: security("poller", "core")
      })
      const start = (name: string, port: number) =>
        Program.start([name, "--config", path.join(folder, `${name}.json`), "--http", `127.0.0.1:${port}`])
      const programs = [yield* start("agent", agentHttp), yield* start("poller", pollerHttp)]
      const metrics = (port: number) =>
        Effect.map(
          Effect.catchDefect(get(`127.0.0.1:${port}`, "/metrics"), (cause) => Effect.fail(String(cause))),
          ({ body }) => String(body)
        )
      const polled = Effect.map(metrics(pollerHttp), (text) => ({
        successful: sumOf(text, "polls_successful"),
        failed: sumOf(text, "polls_failed"),
        rotated: sumOf(text, "security_events_total", "kind=\"certificate_rotated\"")
      }))
      const until = (what: string, isMet: (now: Effect.Success<typeof polled>) => boolean) =>
        Program.eventually(what, Effect.map(polled, Option.liftPredicate(isMet)), { within: "40 seconds", programs })

      const before = yield* until("the first successful checks", ({ successful }) => successful > 0)
      const after = yield* until("five more rotations", ({ rotated }) => rotated >= before.rotated + 5)
      const agentRotated = yield* Effect.repeat(
        Effect.map(metrics(agentHttp), (text) => sumOf(text, "security_events_total", "kind=\"certificate_rotated\"")),
        { schedule: Schedule.spaced("100 millis"), until: (rotated) => rotated >= 5 }
      ).pipe(Effect.timeout("20 seconds"))

      assert.isAtLeast(agentRotated, 5)
      assert.isAbove(after.successful, before.successful + 40)
      assert.strictEqual(after.failed - before.failed, 0, programs.map((one) => one.output()).join("\n----\n"))
    }).pipe(Effect.provide(NodeServices.layer), Effect.provideService(References.MinimumLogLevel, "None")), 120_000)
})
