/** Every certificate that a client may show, at every door of our own that asks for one. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, References, Stream } from "effect"
import * as https from "node:https"
import * as tls from "node:tls"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService, PollerServiceService } from "../../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../../src/layers/agent/AgentServiceHandlers.ts"
import * as PollerServiceHandlers from "../../../../src/layers/core/PollerServiceHandlers.ts"
import * as GrpcClient from "../../../../src/layers/grpc/GrpcClient.ts"
import * as Kit from "../../../../src/layers/grpc/GrpcCredentials.ts"
import { Management } from "../../../../src/layers/http/Management.ts"
import * as ManagementServer from "../../../../src/layers/http/ManagementServer.ts"
import * as GrpcAuthorization from "../../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../../src/layers/security/GrpcCredentials.ts"
import { Credentials } from "../../../../src/services/security/Credentials.ts"
import { SecurityMonitor } from "../../../../src/services/security/SecurityMonitor.ts"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import { type Authority, authority, type Issued, write } from "../../../support/authority.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { agentService, coreService, serveOn, statusChunk, statusRequest, statusResponse } from "../../grpc/fixture.ts"
import * as Certificates from "./certificates.ts"

const host = "127.0.0.1"
const own = "server.serviceradar"

const blockOf = (folder: string, more: Partial<SecurityConfig.SecurityBlock> = {}) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    tls: { cert_file: "server.pem", key_file: "server-key.pem", ca_file: "root.pem" },
    ...more
  })

const served = Effect.fnUntraced(function*(ca: Authority) {
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "server", ca.issue({ commonName: own }), ca.root))
  const security = blockOf(folder)
  return yield* serveOn(
    0,
    {
      credentials: yield* GrpcCredentials.server(security, host),
      interceptors: yield* GrpcAuthorization.interceptors(security, host, [
        AgentServiceHandlers.requirements,
        PollerServiceHandlers.requirements
      ])
    },
    agentService({ getStatus: () => Effect.succeed(statusResponse("there")) }),
    coreService((chunks) => Effect.as(Stream.runDrain(chunks), { received: true }))
  )
})

/** As somebody would who cares for none of our rules. */
const credentialsOf = (ca: Authority, shown: Issued | undefined, expected: string) =>
  Kit.ofSecureContext(tls.createSecureContext(Kit.contextOptions({ ca: ca.root, ...shown })), expected)

const outcome = <A>(call: Effect.Effect<A, { readonly _tag: string }>) =>
  Effect.match(call, { onFailure: ({ _tag }) => _tag, onSuccess: () => "answered" })

type Door = (port: number, credentials: Kit.ClientCredentials) => Effect.Effect<string, never, never>

const agent: Door = (port, credentials) =>
  Effect.scoped(Effect.flatMap(
    GrpcClient.make(AgentServiceService, { target: `${host}:${port}`, credentials }),
    (client) => outcome(client.getStatus(statusRequest("s"), { deadline: "5 seconds" }))
  ))

const core: Door = (port, credentials) =>
  Effect.scoped(Effect.flatMap(
    GrpcClient.make(PollerServiceService, { target: `${host}:${port}`, credentials }),
    (client) => outcome(client.reportStatus(statusChunk(0), { deadline: "5 seconds" }))
  ))

const doors: ReadonlyArray<readonly [string, Door, Certificates.Names]> = [
  ["poller to agent", agent, { valid: "poller.serviceradar", withoutPermission: "agent.serviceradar" }],
  ["poller to core", core, { valid: "poller.serviceradar", withoutPermission: "agent.serviceradar" }]
]

/** The error of the call, and what the server's monitor is told. */
const expected: Readonly<Record<Certificates.Kind, readonly [string, ReadonlyArray<string>]>> = {
  "no certificate": ["Unavailable", ["CertificateRejected", "ConnectionAttempt"]],
  "self-signed": ["Unavailable", ["CertificateRejected", "ConnectionAttempt"]],
  "other CA": ["Unavailable", ["CertificateRejected", "ConnectionAttempt"]],
  expired: ["Unavailable", ["CertificateRejected", "ConnectionAttempt"]],
  "not yet valid": ["Unavailable", ["CertificateRejected", "ConnectionAttempt"]],
  "unknown identity": ["PermissionDenied", ["ConnectionAttempt", "UnauthorizedAccess"]],
  "without the permission": ["PermissionDenied", ["ConnectionAttempt", "UnauthorizedAccess"]],
  valid: ["answered", ["ConnectionAttempt"]]
}

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

describe("A client with certificates of every kind", () => {
  it.live.each(
    doors.flatMap(([name, door, names]) => Certificates.kinds.map((kind) => [name, kind, door, names] as const))
  )(
    "is let in or refused, and told of: %s, %s",
    ([, kind, door, names]) =>
      Effect.gen(function*() {
        const ca = authority()
        const { events, monitor } = yield* Certificates.recording
        const { port } = yield* Effect.provideService(served(ca), SecurityMonitor, monitor)
        const found = yield* door(port, credentialsOf(ca, Certificates.present(ca, kind, names), own))

        // A client that is refused may try again before it gives up.
        const told = [...new Set(Certificates.namesOf(events))]
        assert.deepStrictEqual([found, told], [...expected[kind]])
      }).pipe(Effect.provide(secured), quiet)
  )

  it.live.each(doors)("refuses a server of another name: %s", ([, door, names]) =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca)

      assert.strictEqual(
        yield* door(port, credentialsOf(ca, Certificates.present(ca, "valid", names), "other.serviceradar")),
        "Unavailable"
      )
    }).pipe(Effect.provide(secured), quiet))
})

const names = { valid: "core.serviceradar", withoutPermission: "poller.serviceradar" }

const managementWith = (
  security: SecurityConfig.SecurityConfig,
  environment: Readonly<Record<string, string>> = {}
) =>
  ManagementServer.make({ host: "0.0.0.0", port: 0, security }).pipe(
    Effect.provide(Layer.merge(SupervisionTree.layer, Management.layer)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
  )

/** Every role may read, so the list says who may not. */
const listed = { allowed_common_names: [names.valid, "somebody"] }

const management = Effect.fnUntraced(function*(ca: Authority, environment: Readonly<Record<string, string>> = {}) {
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "server", ca.issue({ commonName: own }), ca.root))
  return yield* managementWith(blockOf(folder, listed), environment)
})

/** Status and code of the answer, or why there is none. */
const ask = (
  port: number,
  path: string,
  options: https.RequestOptions
): Effect.Effect<readonly [number | string, string]> =>
  Effect.callback((resume) => {
    const request = https.get({ host, port, path, minVersion: "TLSv1.3", agent: false, ...options }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => text += chunk).once("end", () => {
        const code = /"code":"(\w+)"/.exec(text)?.[1] ?? ""
        resume(Effect.succeed([response.statusCode ?? 0, code]))
      })
    })
    request.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed([error.code ?? error.message, ""])))
  })

const answers: Readonly<Record<Certificates.Kind, readonly [number, string, ReadonlyArray<string>]>> = {
  "no certificate": [401, "NoCertificate", ["UnauthorizedAccess"]],
  "self-signed": [401, "NotVerified", ["CertificateRejected"]],
  "other CA": [401, "NotVerified", ["CertificateRejected"]],
  expired: [401, "NotVerified", ["CertificateRejected"]],
  "not yet valid": [401, "NotVerified", ["CertificateRejected"]],
  "unknown identity": [403, "UnknownIdentity", ["UnauthorizedAccess"]],
  "without the permission": [403, "NotAllowed", ["UnauthorizedAccess"]],
  valid: [200, "", []]
}

describe("The HTTP side with certificates", () => {
  it.live.each(Certificates.kinds)(
    "lets in or refuses, and tells of it, but for health: %s",
    (kind) =>
      Effect.gen(function*() {
        const ca = authority()
        const { events, monitor } = yield* Certificates.recording
        const server = yield* Effect.provideService(management(ca), SecurityMonitor, monitor)
        const shown = { ca: ca.root, servername: own, ...Certificates.present(ca, kind, names) }

        assert.isTrue(server.isTls)
        assert.deepStrictEqual((yield* ask(server.port, "/health/live", shown))[0], 200)
        assert.deepStrictEqual(events, [])
        const [status, code] = yield* ask(server.port, "/metrics", shown)
        assert.deepStrictEqual([status, code, Certificates.namesOf(events)], [...answers[kind]])
      }).pipe(Effect.provide(secured), quiet)
  )

  it.live("is refused by clients that expect another name", () =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* management(ca)

      const [reason] = yield* ask(port, "/health/live", { ca: ca.root, servername: "other.serviceradar" })
      assert.strictEqual(reason, "ERR_TLS_CERT_ALTNAME_INVALID")
    }).pipe(Effect.provide(secured), quiet))

  it.live("takes a token as well, and speaks HTTPS with one only where it is told to", () =>
    Effect.gen(function*() {
      const ca = authority()
      const token = "a-token-that-nobody-guesses"
      const both = yield* management(ca, { SERVICERADAR_HTTP_TOKEN: token, SERVICERADAR_HTTP_TLS: "true" })
      const tokenAlone = yield* management(ca, { SERVICERADAR_HTTP_TOKEN: token })
      const shown = { ca: ca.root, servername: own }
      const withToken = { ...shown, headers: { authorization: `Bearer ${token}` } }

      assert.deepStrictEqual([both.isTls, tokenAlone.isTls], [true, false])
      assert.deepStrictEqual(yield* ask(both.port, "/metrics", withToken), [200, ""])
      assert.deepStrictEqual(
        yield* ask(both.port, "/metrics", { ...shown, ...ca.issue({ commonName: names.valid }) }),
        [200, ""]
      )
      assert.deepStrictEqual(yield* ask(both.port, "/metrics", shown), [401, "NoCertificate"])
    }).pipe(Effect.provide(secured), quiet))

  it.live("ends connections of before a renewal with the answer to their next request", () =>
    Effect.gen(function*() {
      const [ca, next] = [authority(), authority("Next root")]
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => write(folder, "server", ca.issue({ commonName: own }), ca.root))
      yield* Effect.forkScoped((yield* Credentials).keep)
      const { port } = yield* managementWith(blockOf(folder, listed))
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new https.Agent({ keepAlive: true, maxSockets: 1 })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      const shown = { ca: [ca.root, next.root], servername: own, ...ca.issue({ commonName: names.valid }) }
      const kept = ask(port, "/metrics", { ...shown, agent })
      assert.deepStrictEqual([yield* kept, yield* kept], [[200, ""], [200, ""]])

      yield* Effect.promise(() => write(folder, "server", next.issue({ commonName: own }), next.root))
      const anew = ask(port, "/metrics", shown)
      while ((yield* anew)[0] === 200) yield* kept

      // The connection of before may have answered once more since then.
      yield* kept
      assert.deepStrictEqual(yield* kept, [401, "NotVerified"])
    }).pipe(Effect.timeout("20 seconds"), Effect.provide(secured), quiet))

  it.live("knows clients by their trust domain where identities are those of SPIFFE", () =>
    Effect.gen(function*() {
      const ca = authority()
      const folder = yield* temporaryFolder
      const spiffeId = "spiffe://example.org/services/core"
      yield* Effect.promise(() => write(folder, "server", ca.issue({ commonName: own, spiffeId }), ca.root))
      const { port } = yield* managementWith(blockOf(folder, { mode: "spiffe", trust_domain: "example.org" }))
      const askAs = (subject: Parameters<Authority["issue"]>[0]) =>
        ask(port, "/metrics", { ca: ca.root, servername: own, ...ca.issue(subject) })

      assert.deepStrictEqual(yield* askAs({ spiffeId }), [200, ""])
      assert.deepStrictEqual(yield* askAs({ spiffeId: "spiffe://elsewhere.org/services/core" }), [403, "NotAllowed"])
      assert.deepStrictEqual(yield* askAs({ commonName: "core.serviceradar" }), [403, "NotAllowed"])
    }).pipe(Effect.provide(secured), quiet))

  it.live("takes an intermediate among the roots for an anchor, as gRPC does", () =>
    Effect.gen(function*() {
      const intermediate = authority("Between", undefined, authority().issuer)
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => write(folder, "server", intermediate.issue({ commonName: own }), intermediate.root))
      const { port } = yield* managementWith(blockOf(folder, listed))
      const shown = { ca: intermediate.root, allowPartialTrustChain: true, servername: own }

      assert.deepStrictEqual(
        yield* ask(port, "/metrics", { ...shown, ...intermediate.issue({ commonName: names.valid }) }),
        [200, ""]
      )
    }).pipe(Effect.provide(secured), quiet))
})
