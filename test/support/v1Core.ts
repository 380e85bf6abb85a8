/**
 * Core with what an agent and a poller, both processes, reported to it, and what a second poller did: one that speaks for checkers
 * which need devices of their own, and says things that are no JSON.
 */
import { Context, Effect, Layer, Option, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "./coreProcess.ts"
import * as Program from "./Program.ts"
import * as SignedInCore from "./signedInCore.ts"
import { temporaryFolder } from "./temporaryFolder.ts"
import { TestDatabase } from "./TestDatabase.ts"

export const password = "correct horse battery staple"
/** Of that password, by the bcrypt of the existing system. */
const bcrypt = "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"

export type Who = "viewer" | "operator" | "admin" | "readOnly"

export const allowedOrigin = "https://radar.example.org"

export class V1Core extends Context.Service<V1Core, {
  readonly base: string
  readonly tokens: Readonly<Record<Who, string>>
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Scope.Scope>
}>()("test/support/V1Core") {}

const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value))

const second = { agentId: "agent-2", pollerId: "poller-2", partition: "default" }

const rperf = {
  available: true,
  response_time: 5,
  status: {
    results: [{ target: "TCP Test", success: true, error: null, status: { bits_per_second: 5e8, jitter_ms: 0.5 } }]
  }
}

const snmp = {
  router: {
    available: true,
    host_ip: "192.0.2.7",
    host_name: "router.example.org",
    oid_status: { ifInOctets: { last_value: 42, last_update: new Date().toISOString(), error_count: 0 } }
  }
}

const report = Effect.fnUntraced(function*(target: string) {
  const poller = yield* GrpcClient.make(PollerServiceService, { target })
  const at = BigInt(Math.floor(Date.now() / 1000))
  const status = CoreProcess.wireStatus
  yield* poller.reportStatus({
    ...CoreProcess.wireReport(at, [
      status({ ...second, serviceName: "odd", serviceType: "process", message: bytes("hello"), kvStoreId: "hub" }),
      status({ ...second, serviceName: "mute", serviceType: "process", available: false, message: bytes("") }),
      status({
        ...second,
        serviceName: "router-ping",
        serviceType: "icmp",
        responseTime: 1_500_000n,
        message: bytes({ host: "192.0.2.7", host_ip: "192.0.2.7", response_time: 1_500_000, available: true })
      }),
      status({ ...second, serviceName: "router", serviceType: "snmp", message: bytes(snmp) }),
      status({ ...second, serviceName: "rperf-checker", serviceType: "grpc", message: bytes(rperf) })
    ]),
    pollerId: "poller-2",
    sourceIp: "192.0.2.2"
  })
}, Effect.scoped)

const reporting = Effect.fnUntraced(function*(core: string) {
  const folder = yield* temporaryFolder
  const port = yield* Program.freePort
  const write = (name: string, value: object) =>
    Effect.promise(() => fs.writeFile(path.join(folder, name), JSON.stringify(value)))
  yield* write("agent.json", { agent_id: "agent-1", listen_addr: `127.0.0.1:${port}`, host_ip: "192.0.2.1" })
  yield* write("poller.json", {
    poller_id: "poller-1",
    partition: "default",
    source_ip: "192.0.2.1",
    core_address: core,
    poll_interval: "1s",
    agents: {
      "agent-1": {
        address: `127.0.0.1:${port}`,
        checks: [
          { service_type: "port", service_name: "core", details: core },
          { service_type: "icmp", service_name: "ping", details: "127.0.0.1" },
          { service_type: "grpc", service_name: "sysmon", details: "" }
        ]
      }
    }
  })
  const off = ["--http", "off"]
  const env = { NATS_URL: "" }
  return [
    yield* Program.start(["agent", "--config", path.join(folder, "agent.json"), ...off], { env }),
    yield* Program.start(["poller", "--config", path.join(folder, "poller.json"), ...off], { env })
  ]
})

const get = (url: string, token: string) =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { signal, headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, text: await response.text() }
  })

export const layer = Layer.effect(
  V1Core,
  Effect.gen(function*() {
    const { base, command, grpc, program } = yield* SignedInCore.start({
      auth: { local_users: { boss: bcrypt, guest: bcrypt }, jwt_secret: "a secret that others know" },
      more: {
        cors: { allowed_origins: [allowedOrigin] },
        rbac: {
          user_roles: { "local:boss": ["admin"], "local:guest": ["viewer"] },
          route_protection: { "/api/logs/*": ["operator"], "/api/devices/search": { POST: ["operator"] } }
        }
      }
    })
    const programs = [program, ...(yield* reporting(grpc))]
    yield* report(grpc)
    const tokenOf = Effect.fnUntraced(function*(role: "viewer" | "operator" | "admin") {
      yield* command("user", "add", `${role}@example.org`, "--role", role)
      return yield* command("token", "create", `${role}@example.org`, "--scope", "admin")
    })
    const tokens = {
      viewer: yield* tokenOf("viewer"),
      operator: yield* tokenOf("operator"),
      admin: yield* tokenOf("admin"),
      readOnly: yield* command("token", "create", "admin@example.org", "--scope", "read")
    }
    const isThere = (at: string, found: (text: string) => boolean) =>
      Program.eventually(
        `${at} answers`,
        Effect.map(get(`${base}${at}`, tokens.viewer), ({ status, text }) =>
          status === 200 && found(text) ? Option.some(text) : Option.none()),
        { within: "40 seconds", programs }
      )
    yield* isThere("/api/pollers/poller-1/sysmon/cpu", () => true)
    yield* isThere("/api/pollers/poller-1/metrics", () => true)
    yield* isThere("/api/pollers/poller-1", (text) => text.includes("\"is_healthy\":true"))
    yield* isThere("/api/pollers/poller-2", (text) => text.includes("rperf-checker"))
    yield* isThere("/api/devices", (text) => text.includes("192.0.2.7") && text.includes("serviceradar:agent:agent-1"))
    return { base, tokens, command }
  })
).pipe(Layer.provideMerge(TestDatabase.layer))
