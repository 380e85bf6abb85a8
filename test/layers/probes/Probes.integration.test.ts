import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Schema } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as path from "node:path"
import * as AgentConfig from "../../../src/domain/monitoring/AgentConfig.ts"
import { GrpcCheckers } from "../../../src/layers/grpc/GrpcCheckers.ts"
import * as ProbeTable from "../../../src/layers/probes/ProbeTable.ts"
import { probeOnce } from "../../../src/services/agent/Prober.ts"

const config = AgentConfig.fromFile({ agent_id: "agent-1" })

const probes = (path: string | undefined) =>
  ProbeTable.layer({ config, path }).pipe(
    Layer.provide(GrpcCheckers.layer(config)),
    Layer.provide(NodeServices.layer)
  )

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const probe = (serviceType: string, details: string, limit?: Duration.Duration, path = process.env["PATH"]) =>
  probeOnce({ serviceType, serviceName: "it", details, port: 0, agentId: "agent-1", pollerId: "poller-1" }, limit).pipe(
    Effect.map((outcome) => ({ ...outcome, document: decode(outcome.message) })),
    Effect.provide(probes(path))
  )

const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const listening = <S extends net.Server>(make: () => S, host: string) =>
  Effect.acquireRelease(
    Effect.callback<S>((resume) => {
      const server = make()
      server.listen(0, host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )

const web = listening(() =>
  http.createServer((request, response) => {
    if (request.url === "/loop") return void response.writeHead(302, { location: "/loop" }).end()
    if (request.url === "/to") return void response.writeHead(302, { location: "/" }).end()
    if (request.url === "/flood") return void response.end("a".repeat(2_000_000))
    if (request.url === "/hang") return
    if (request.url === "/bad") return void response.writeHead(503).end("down")
    response.end(`all is well ${"a".repeat(40)}!`)
  }), "127.0.0.1").pipe(Effect.map((server) => `http://127.0.0.1:${portOf(server)}`))

describe("PortProbe", () => {
  it.live.each(["127.0.0.1", "::1"])("finds an open port at %s and its connect time", (host) =>
    Effect.gen(function*() {
      const server = yield* listening(() => net.createServer((socket) => socket.on("error", () => {})), host)
      const port = portOf(server)

      const outcome = yield* probe("port", host === "::1" ? `[::1]:${port}` : `${host}:${port}`)

      assert.isTrue(outcome.available)
      assert.isTrue(outcome.responseTimeNanos > 0n)
      assert.deepStrictEqual(outcome.document, { host, port, response_time: Number(outcome.responseTimeNanos) })
    }).pipe(Effect.scoped))

  it.live("says that a port refuses", () =>
    Effect.gen(function*() {
      const outcome = yield* probe("port", "127.0.0.1:1")

      assert.isFalse(outcome.available)
      assert.deepStrictEqual(outcome.document, { error: "Port 1 is not accessible: connection refused" })
    }))

  it.live("does not wait for a silent address longer than its limit", () =>
    Effect.gen(function*() {
      // 192.0.2.0/24 is reserved for documentation: nothing answers, or a router says so.
      const outcome = yield* probe("port", "192.0.2.255:9", Duration.millis(300))

      assert.isFalse(outcome.available)
      assert.include(outcome.message, "Port 9 is not accessible")
    }))
})

describe("HttpProbe", () => {
  it.live("judges status and body", () =>
    Effect.gen(function*() {
      const url = yield* web

      const plain = yield* probe("http", url)
      const matched = yield* probe("http", JSON.stringify({ url, bodyMatch: "all is \\w+" }))
      const unmatched = yield* probe("http", JSON.stringify({ url, bodyMatch: "trouble" }))
      const down = yield* probe("http", `${url}/bad`)
      const expected = yield* probe("http", JSON.stringify({ url: `${url}/bad`, expectedStatus: [500, 503] }))

      assert.deepInclude(plain.document, { status_code: 200, redirects: 0 })
      assert.deepStrictEqual(
        [plain, matched, unmatched, down, expected].map((outcome) => outcome.available),
        [true, true, false, false, true]
      )
      assert.deepInclude(down.document, { error: "unexpected status 503" })
    }).pipe(Effect.scoped))

  it.live("follows redirects up to its limit", () =>
    Effect.gen(function*() {
      const url = yield* web

      const followed = yield* probe("http", `${url}/to`)
      const loop = yield* probe("http", `${url}/loop`)

      assert.deepInclude(followed.document, { final_url: `${url}/`, redirects: 1 })
      assert.include(loop.message, "more than 5 redirects")
    }).pipe(Effect.scoped))

  it.live("is not held up by a flood, a hanging server or an expression without end", () =>
    Effect.gen(function*() {
      const url = yield* web

      const flood = yield* probe("http", JSON.stringify({ url: `${url}/flood`, bodyMatch: "^a+" }))
      const hang = yield* probe("http", `${url}/hang`, Duration.millis(200))
      const endless = yield* probe("http", JSON.stringify({ url, bodyMatch: "(a+)+$" }))

      assert.isTrue(flood.available)
      assert.include(hang.message, "timed out after 200ms")
      assert.include(endless.message, "took longer than")
    }).pipe(Effect.scoped))
})

const file = (name: string) => path.resolve(import.meta.dirname, "../../fixtures/tls", name)

const secureWeb = listening(() =>
  https.createServer({
    cert: fs.readFileSync(file("agent.pem")),
    key: fs.readFileSync(file("agent-key.pem"))
  }, (_, response) => void response.end("secret")), "127.0.0.1").pipe(
    Effect.map((server) => `https://localhost:${portOf(server)}`)
  )

describe("HttpProbe over TLS", () => {
  it.live("reports the days that the certificate is still good and refuses one that it cannot verify", () =>
    Effect.gen(function*() {
      const url = yield* secureWeb

      const unverified = yield* probe("http", url)
      const trusted = yield* probe("http", JSON.stringify({ url, caFile: file("root.pem") }))
      const skipped = yield* probe("http", JSON.stringify({ url, insecureSkipVerify: true }))
      const tooFew = yield* probe("http", JSON.stringify({ url, insecureSkipVerify: true, certDaysMin: 1_000_000 }))

      assert.isFalse(unverified.available)
      assert.include(unverified.message, "certificate")
      assert.isTrue(trusted.available)
      assert.isTrue(skipped.available)
      assert.isNumber(skipped.document["tls_expiry_days"])
      assert.include(tooFew.message, "at least 1000000 are expected")
    }).pipe(Effect.scoped))
})

describe("ProcessProbe", () => {
  it.live("finds this test's own process and misses one that is not there", () =>
    Effect.gen(function*() {
      const own = yield* probe("process", "node")
      const absent = yield* probe("process", "no-such-process-here")

      assert.deepStrictEqual(own.document, {
        status: "active",
        process_name: "node",
        active: true,
        agent_id: "agent-1",
        poller_id: "poller-1"
      })
      assert.isFalse(absent.available)
      assert.include(absent.message, "Process no-such-process-here is not running")
    }))
})

describe("IcmpProbe", () => {
  it.live("pings with the tool of the machine, or says how to get one", () =>
    Effect.gen(function*() {
      const outcome = yield* Effect.result(probe("icmp", "127.0.0.1"))

      if (outcome._tag === "Success") assert.deepInclude(outcome.success.document, { host: "127.0.0.1" })
      else assert.include(outcome.failure.message, "apt-get install")
    }))

  it.live("is unavailable without a tool on the path", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(probe("icmp", "127.0.0.1", undefined, "/proc/self"))

      assert.strictEqual(error._tag, "PingUnavailable")
    }))
})

describe("SysmonProbe", () => {
  it.live("reports cores, memory, disks and processes of this host", () =>
    Effect.gen(function*() {
      const { document } = yield* probe("sysmon", "")

      const status = decode(JSON.stringify(document["status"]))
      assert.containsAllKeys(status, ["timestamp", "host_id", "host_ip", "cpus", "disks", "memory", "processes"])
      assert.isNotEmpty(status["cpus"])
      assert.isNotEmpty(status["processes"])
    }))
})
