import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option } from "effect"
import * as path from "node:path"
import * as tls from "node:tls"
import { anyPeer, none, type SecurityConfig } from "../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcTransport from "../../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import * as CurrentSecurityMode from "../../../src/services/security/CurrentSecurityMode.ts"
import { secured } from "../../support/secured.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../grpc/fixture.ts"

const file = (name: string) => path.resolve(import.meta.dirname, "../../fixtures/tls", name)

type Mtls = Extract<SecurityConfig, { _tag: "Mtls" }>

const mtls = (name: string, other: Partial<Mtls> = {}): Mtls => ({
  _tag: "Mtls",
  certFile: file(`${name}.pem`),
  keyFile: file(`${name}-key.pem`),
  caFile: file("root.pem"),
  clientCaFile: file("root.pem"),
  serverName: Option.none(),
  peers: anyPeer,
  ...other
})

const secureAgent = Effect.gen(function*() {
  const credentials = yield* GrpcCredentials.server(mtls("agent"), "127.0.0.1")
  return yield* serveOn(
    0,
    { credentials },
    agentService({
      getStatus: (_, call) =>
        Effect.succeed(statusResponse(Option.match(call.peerCertificate, {
          onNone: () => "nobody",
          onSome: (certificate) => String(certificate.subject.CN)
        })))
    })
  )
})

const askAs = (security: SecurityConfig, host = "localhost") =>
  Effect.gen(function*() {
    const server = yield* secureAgent
    const credentials = yield* GrpcCredentials.client(security, "localhost")
    const client = yield* GrpcClient.make(AgentServiceService, { target: `${host}:${server.port}`, credentials })
    return yield* client.getStatus(statusRequest("s"), { deadline: "5 seconds" })
  }).pipe(Effect.provide(secured))

describe("GrpcCredentials", () => {
  it.live("hybrid asks for certificates on every interface, and not on the loopback", () =>
    Effect.gen(function*() {
      const isPlain = (host: string) =>
        Effect.map(
          GrpcCredentials.server(mtls("agent"), host),
          (credentials) => credentials === GrpcTransport.plainServer
        )
      const hosts = ["", "0.0.0.0", "::", "192.0.2.1", "127.0.0.1", "::1"]

      const plain = yield* Effect.filter(hosts, isPlain).pipe(
        Effect.provideService(CurrentSecurityMode.CurrentSecurityMode, { mode: "hybrid", isExplicit: true }),
        Effect.provide(secured),
        Effect.scoped
      )

      assert.deepStrictEqual(plain, ["127.0.0.1", "::1"])
    }))

  it.live("hybrid dials the loopback without certificates, however it is written", () =>
    Effect.gen(function*() {
      const isPlain = (target: string) =>
        Effect.map(
          GrpcCredentials.client(mtls("poller"), target),
          (credentials) => credentials === GrpcTransport.plainClient
        )
      const targets = ["::1", "[::1]:1", "[::1]", "127.0.0.1:1", "localhost", ":1", "192.0.2.1:1", "2001:db8::1"]

      const plain = yield* Effect.filter(targets, isPlain).pipe(
        Effect.provideService(CurrentSecurityMode.CurrentSecurityMode, { mode: "hybrid", isExplicit: true }),
        Effect.provide(secured),
        Effect.scoped
      )

      assert.deepStrictEqual(plain, targets.slice(0, 6))
    }))

  it.live("lets peers with certificates of the same root speak, and tells the handler who calls", () =>
    Effect.gen(function*() {
      const response = yield* askAs(mtls("poller"))

      assert.strictEqual(response.serviceName, "poller")
    }))

  it.live("verifies the server by its configured name, or by the address when none is set", () =>
    Effect.gen(function*() {
      const named = yield* askAs(mtls("poller", { serverName: Option.some("agent.serviceradar") }), "127.0.0.1")
      const byAddress = yield* askAs(mtls("poller"), "127.0.0.1")
      const byAddressName = yield* askAs(mtls("poller", { serverName: Option.some("127.0.0.1") }))

      assert.deepStrictEqual([named.serviceName, byAddress.serviceName, byAddressName.serviceName], [
        "poller",
        "poller",
        "poller"
      ])
    }))

  it.live("refuses a server whose certificate does not carry the name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(askAs(mtls("poller", { serverName: Option.some("core.serviceradar") })))

      assert.strictEqual(error._tag, "Unavailable")
      assert.include(error.message, "core.serviceradar")
    }))

  it.live("refuses a server of another root", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(askAs(
        mtls("poller", { caFile: file("other-root.pem"), clientCaFile: file("root.pem") })
      ))

      assert.strictEqual(error._tag, "Unavailable")
    }))

  it.live("refuses a client of another root, and one without a certificate", () =>
    Effect.gen(function*() {
      const stranger = yield* Effect.flip(askAs(
        mtls("stranger", { clientCaFile: file("other-root.pem") })
      ))
      const plain = yield* Effect.flip(askAs(none))

      assert.deepStrictEqual([stranger._tag, plain._tag], ["Unavailable", "Unavailable"])
    }))

  it.live("does not speak TLS 1.2", () =>
    Effect.gen(function*() {
      const server = yield* secureAgent.pipe(Effect.provide(secured))

      const outcome = yield* Effect.callback<string>((resume) => {
        const socket = tls.connect({
          port: server.port,
          host: "127.0.0.1",
          maxVersion: "TLSv1.2",
          rejectUnauthorized: false
        })
        socket.on("secureConnect", () => resume(Effect.succeed("connected")))
        socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(String(error.code))))
        return Effect.sync(() => socket.destroy())
      })

      assert.match(outcome, /PROTOCOL_VERSION/)
    }))

  it.live("names the file and the reason when a file is missing, no PEM, or the key of another certificate", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* fileSystem.makeTempDirectoryScoped()
      const text = path.join(folder, "text.pem")
      const broken = path.join(folder, "broken.pem")
      yield* fileSystem.writeFileString(text, "hello")
      yield* fileSystem.writeFileString(broken, "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n")
      const missing = path.join(folder, "missing.pem")

      const errors = yield* Effect.forEach(
        [
          mtls("agent", { certFile: missing }),
          mtls("agent", { caFile: text }),
          mtls("agent", { certFile: broken }),
          mtls("agent", { keyFile: file("poller-key.pem") })
        ],
        (security) => Effect.flip(GrpcCredentials.client(security, "localhost"))
      )

      assert.deepStrictEqual(errors.map((error) => error.file), [missing, text, broken, file("poller-key.pem")])
      assert.strictEqual(errors[0]?.reason, "cannot be read: there is no such file (ENOENT)")
      assert.strictEqual(errors[1]?.reason, "holds no PEM block")
      assert.include(errors[3]?.reason, "key values mismatch")
    }).pipe(Effect.provide(secured)))
})
