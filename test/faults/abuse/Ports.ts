/** Every program with its ports, gRPC over TLS where it is not core's, and HTTP; each as a process of its own. */
import { Effect, Redacted } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { HealthService } from "../../../src/gen/grpc/health/v1/health.ts"
import { AgentServiceService, PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import type { Order } from "../../fixtures/abuse/abuser.ts"
import { authority, write } from "../../support/authority.ts"
import * as CoreProcess from "../../support/coreProcess.ts"
import * as Program from "../../support/Program.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import * as Neighbour from "./Neighbour.ts"

export interface Port {
  readonly name: string
  readonly kind: Order["kind"]
  readonly port: number
  readonly path: string
  readonly tls?: Order["tls"]
  readonly program: Program.Program
  readonly neighbour: Neighbour.Kept
  /** Those of the program's other ports, who must not lose their connections either. */
  readonly others: ReadonlyArray<Neighbour.Kept>
}

const health = {
  path: HealthService.check.path,
  request: HealthService.check.requestSerialize({ service: "" })
}

interface Rig {
  readonly folder: string
  readonly ports: { readonly grpc: number; readonly http: number }
  /** Where nobody is: a program whose peers are away serves its ports all the same. */
  readonly nobody: string
}

const security = (folder: string, name: string) => ({
  mode: "mtls",
  cert_dir: folder,
  tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
  rate_limits: { poller: { per_second: 10_000, burst: 10_000 } }
})

interface Subject {
  readonly command: string
  readonly config: (rig: Rig) => unknown
  /** A method that answers. */
  readonly call: (rig: Rig) => { readonly path: string; readonly request: Uint8Array }
  readonly isPlain?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** Whether its HTTP is HTTPS. */
  readonly isHttps?: boolean
}

const listen = ({ ports }: Rig) => `127.0.0.1:${ports.grpc}`

const agent: Subject = {
  command: "agent",
  config: (rig) => ({ agent_id: "a", listen_addr: listen(rig), security: security(rig.folder, "agent") }),
  call: ({ ports }) => ({
    path: AgentServiceService.getStatus.path,
    request: AgentServiceService.getStatus.requestSerialize({
      serviceName: "self",
      serviceType: "port",
      agentId: "a",
      pollerId: "p",
      details: `127.0.0.1:${ports.grpc}`,
      port: 0
    })
  })
}

export const subjects: Readonly<Record<string, Subject>> = {
  agent,
  "agent with HTTPS": { ...agent, environment: { SERVICERADAR_HTTP_TLS: "true" }, isHttps: true },
  poller: {
    command: "poller",
    config: (rig) => ({
      poller_id: "p",
      listen_addr: listen(rig),
      core_address: rig.nobody,
      poll_interval: "30s",
      agents: {
        a: {
          address: rig.nobody,
          security: security(rig.folder, "poller"),
          checks: [{ service_type: "port", service_name: "s", details: rig.nobody }]
        }
      },
      security: security(rig.folder, "poller")
    }),
    call: () => health
  },
  sync: {
    command: "sync",
    config: (rig) => ({
      listen_addr: listen(rig),
      agent_id: "a",
      poller_id: "p",
      spool_dir: path.join(rig.folder, "spool"),
      sources: { netbox: { type: "netbox", endpoint: `http://${rig.nobody}`, credentials: { api_token: "t" } } },
      security: security(rig.folder, "sync")
    }),
    call: () => health
  },
  "event writer": {
    command: "event-writer",
    config: (rig) => ({
      listen_addr: listen(rig),
      nats_url: `nats://${rig.nobody}`,
      stream_name: "events",
      consumer_name: "writer",
      streams: [{ subject: "telemetry.>", table: "timeseries_metrics" }],
      security: security(rig.folder, "writer"),
      cnpg: { host: "127.0.0.1", port: Number(rig.nobody.split(":")[1]), database: "d", username: "u" }
    }),
    call: () => health
  },
  core: {
    command: "core",
    config: (rig) => ({ grpc_addr: listen(rig), listen_addr: `127.0.0.1:${rig.ports.http}` }),
    call: () => ({
      path: PollerServiceService.reportStatus.path,
      request: PollerServiceService.reportStatus.requestSerialize(
        CoreProcess.wireReport(0n, [CoreProcess.wireStatus({ serviceName: "neighbour" })])
      )
    }),
    isPlain: true
  }
}

/** Starts the program; answers it with its gRPC and its HTTP, each with a neighbour who has been answered. */
export const start = Effect.fnUntraced(function*(subject: Subject) {
  const { url } = yield* TestDatabase
  const folder = yield* temporaryFolder
  const ca = authority()
  for (const name of ["agent", "poller", "sync", "writer", "core"]) {
    yield* Effect.promise(() => write(folder, name, ca.issue({ commonName: `${name}.serviceradar` }), ca.root))
  }
  const [grpc, http, nobody] = yield* Effect.all([Program.freePort, Program.freePort, Program.freePort])
  const rig: Rig = { folder, ports: { grpc, http }, nobody: `127.0.0.1:${nobody}` }
  const config = path.join(folder, "config.json")
  yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(subject.config(rig))))
  const isCore = subject.command === "core"
  const program = yield* Program.start(
    [subject.command, "--config", config, ...(isCore ? [] : ["--http", `127.0.0.1:${http}`])],
    { env: { ...(isCore ? { DATABASE_URL: Redacted.value(url) } : {}), ...subject.environment } }
  )
  const certificate = (name: string) => ({
    cert: path.join(folder, `${name}.pem`),
    key: path.join(folder, `${name}-key.pem`),
    ca: path.join(folder, "root.pem")
  })
  const place = (port: number, isTls: boolean) => ({ port, ...(isTls ? { tls: certificate("poller") } : {}) })
  /** Somebody with a certificate, too. */
  const abuser = (isTls: boolean) => isTls ? { tls: certificate("core") } : {}
  const kept = <A>(neighbour: Effect.Effect<A, unknown>) =>
    Program.eventually("a neighbour is answered", Effect.asSome(neighbour), {
      within: "90 seconds",
      programs: [program]
    })
  const call = subject.call(rig)
  const isTls = subject.isPlain !== true
  const isHttps = subject.isHttps === true
  const scope = yield* Effect.scope
  const neighbours = yield* Effect.all({
    grpc: kept(Neighbour.grpc(place(grpc, isTls), call, scope)),
    http: kept(Neighbour.http1(place(http, isHttps), scope))
  })
  const ports: ReadonlyArray<Port> = [
    {
      name: "gRPC",
      kind: "http2",
      port: grpc,
      path: call.path,
      program,
      neighbour: neighbours.grpc,
      others: [neighbours.http],
      ...abuser(isTls)
    },
    {
      name: "HTTP",
      kind: "http1",
      port: http,
      path: "/health/live",
      program,
      neighbour: neighbours.http,
      others: [neighbours.grpc],
      ...abuser(isHttps)
    }
  ]
  return { program, ports }
})
