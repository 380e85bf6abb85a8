/** Denied targets are not reached by any kind of check, by name, by address, by redirect or by a name that moves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, References } from "effect"
import * as http from "node:http"
import * as net from "node:net"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import * as TargetPolicy from "../../../src/domain/monitoring/checks/TargetPolicy.ts"
import type { SecurityEvent } from "../../../src/domain/security/SecurityEvent.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import * as BodyPattern from "../../../src/layers/probes/http/BodyPattern.ts"
import * as HttpProbe from "../../../src/layers/probes/http/HttpProbe.ts"
import type { NameLookup } from "../../../src/layers/probes/NameLookup.ts"
import * as TargetGuard from "../../../src/layers/probes/TargetGuard.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { secured } from "../../support/secured.ts"
import { agentService, serve } from "../grpc/fixture.ts"
import { listening, portOf, probe } from "./probing.ts"

const config = (probe_targets: typeof TargetPolicy.TargetsBlock.Type) =>
  AgentConfig.fromFile({ agent_id: "agent-1", probe_targets })

const noLoopback = config({ deny: ["127.0.0.0/8", "::1"] })

/** Counts connections. */
const counted = Effect.gen(function*() {
  let connections = 0
  const server = yield* listening(() => net.createServer(() => void (connections += 1)))
  return { port: portOf(server), connections: () => connections }
})

const reasonOf = ({ available, message }: { readonly available: boolean; readonly message: string }) => {
  assert.isFalse(available)
  return message
}

describe("a denied target", () => {
  it.live("is connected to by no check that opens a connection", () =>
    Effect.gen(function*() {
      const { connections, port } = yield* counted
      const targets = [`127.0.0.1:${port}`, `localhost:${port}`, `[::ffff:127.0.0.1]:${port}`]
      for (const target of targets) {
        const kinds = [
          ["port", target],
          ["grpc", target],
          ["tcp", target],
          ["tls", target],
          ["udp", JSON.stringify({ address: target, send: "x" })],
          ["dns", `example.org A @${target}`],
          ["dns", JSON.stringify({ name: "example.org", server: target, transport: "tcp" })],
          ["http", `http://${target}/`]
        ] as const
        for (const [type, details] of kinds) {
          const result = yield* probe(type, details, { config: noLoopback })
          assert.match(reasonOf(result), /must not be probed from here/, `${type} ${details}`)
        }
      }
      assert.match(
        reasonOf(yield* probe("icmp", "localhost", { config: noLoopback })),
        /must not be probed from here/
      )
      assert.strictEqual(connections(), 0)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("is denied by default where clouds hand out credentials", () =>
    Effect.gen(function*() {
      for (
        const [type, details] of [
          ["port", "169.254.169.254:80"],
          ["http", "http://169.254.169.254/latest/meta-data/"],
          ["http", "http://2852039166/"],
          ["http", "http://[::ffff:a9fe:a9fe]/"],
          ["http", "http://metadata.google.internal/"],
          ["grpc", "169.254.169.254:50051"],
          ["tcp", "169.254.169.254:80"],
          ["tls", "169.254.169.254:443"],
          ["udp", "{\"address\":\"169.254.169.254:123\",\"send\":\"x\"}"],
          ["dns", "example.org A @169.254.169.254"],
          ["icmp", "169.254.169.254"]
        ] as const
      ) {
        assert.match(reasonOf(yield* probe(type, details)), /must not be probed from here/, `${type} ${details}`)
      }
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("is not reached by a redirect either", () =>
    Effect.gen(function*() {
      const server = yield* listening(() =>
        http.createServer((_, response) => response.writeHead(302, { location: "http://169.254.169.254/secret" }).end())
      )
      const result = yield* probe("http", `http://127.0.0.1:${portOf(server)}/`)

      assert.match(reasonOf(result), /169\.254\.169\.254 must not be probed from here: 169\.254\.0\.0\/16 is denied/)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("is not reached by a name that points there when it is asked for again", () =>
    Effect.gen(function*() {
      const server = yield* listening(() =>
        http.createServer((_, response) => response.writeHead(302, { location: "/again" }).end())
      )
      const lookups: Array<string> = []
      const moving: NameLookup = {
        resolve: (name) =>
          Effect.sync(() => {
            lookups.push(name)
            return [{ address: lookups.length === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }]
          }),
        passOn: () => Effect.void
      }
      const names = yield* TargetGuard.make(TargetPolicy.fromBlock({}), moving)
      const { check } = yield* HttpProbe.prepare({
        names,
        patterns: yield* BodyPattern.make,
        fs: yield* FileSystem.FileSystem
      })({
        serviceType: "http",
        serviceName: "it",
        details: `http://moving.example:${portOf(server)}/`,
        port: 0,
        agentId: "a",
        pollerId: "p"
      })

      // One question for each connection: what was judged is what is dialled.
      assert.match(reasonOf(yield* check), /moving\.example \(169\.254\.169\.254\) must not be probed from here/)
      assert.deepStrictEqual(lookups, ["moving.example", "moving.example"])
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("leaves what is allowed alone", () =>
    Effect.gen(function*() {
      const { port } = yield* serve(agentService({}))
      const allowed = config({ allow: ["127.0.0.1", "localhost"] })
      for (const target of [`127.0.0.1:${port}`, `localhost:${port}`]) {
        assert.isTrue((yield* probe("port", target, { config: allowed })).available)
        assert.isTrue((yield* probe("grpc", target, { config: allowed })).available)
      }
      assert.isFalse((yield* probe("port", `127.0.0.2:${port}`, { config: allowed })).available)
    }))

  it.live("is left out by a channel at each resolution, whatever was found before", () =>
    Effect.gen(function*() {
      const { port } = yield* serve(agentService({}))
      const refused = yield* GrpcChannel.make({
        target: `localhost:${port}`,
        refusal: (address) => address === "127.0.0.1" || address === "::1" ? `${address} is denied` : undefined
      })
      const error = yield* Effect.flip(GrpcHealth.client(refused).check(""))
      assert.match(error.message, /is denied/)

      const allowed = yield* GrpcChannel.make({ target: `localhost:${port}`, refusal: () => undefined })
      assert.strictEqual(yield* GrpcHealth.client(allowed).check(""), "SERVING")
    }))
})

describe("TargetGuard", () => {
  it.effect("leaves denied addresses out, and tells of a target of which none is left, not each time", () =>
    Effect.gen(function*() {
      const events: Array<SecurityEvent> = []
      const monitor = SecurityMonitor.of({
        record: (event) => Effect.sync(() => events.push(event)),
        warnOfPlainText: () => Effect.void,
        summary: Effect.die("not asked here"),
        keep: Effect.never
      })
      let found = [{ address: "fe80::1", family: 6 }, { address: "10.0.0.1", family: 4 }]
      const guard = yield* TargetGuard.make(TargetPolicy.fromBlock({}), { resolve: () => Effect.succeed(found) }).pipe(
        Effect.provideService(SecurityMonitor, monitor)
      )
      assert.deepStrictEqual(yield* guard.resolve("host"), [{ address: "10.0.0.1", family: 4 }])
      assert.deepStrictEqual(events, [])

      found = [{ address: "169.254.169.254", family: 4 }]
      for (let count = 0; count < 100; count++) {
        const error = yield* Effect.flip(guard.resolve("host"))
        assert.strictEqual(error._tag, "TargetDenied")
      }
      assert.strictEqual(events.length, 10)
      assert.strictEqual(events[0]?._tag, "TargetDenied")
    }))
})
