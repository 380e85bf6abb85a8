/** Who may ask an agent, by the certificate that it shows. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, References } from "effect"
import * as tls from "node:tls"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as Kit from "../../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import * as GrpcAuthorization from "../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import { type Authority, authority, type Issued, validFor, write } from "../../support/authority.ts"
import { secured } from "../../support/secured.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../grpc/fixture.ts"

const day = 86_400_000

const served = Effect.fnUntraced(function*(ca: Authority, more: Partial<SecurityConfig.SecurityBlock> = {}) {
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "agent", ca.issue(), ca.root))
  const security = SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    role: "agent",
    tls: { cert_file: "agent.pem", key_file: "agent-key.pem", ca_file: "root.pem" },
    ...more
  })
  return yield* serveOn(
    0,
    {
      credentials: yield* GrpcCredentials.server(security, "127.0.0.1"),
      interceptors: yield* GrpcAuthorization.interceptors(security, "127.0.0.1", [AgentServiceHandlers.requirements])
    },
    agentService({ getStatus: () => Effect.succeed(statusResponse("there")) })
  )
})

/** As somebody would who cares for none of our rules: the client here takes any certificate. */
const credentialsOf = (ca: Authority, own: Issued | undefined) =>
  Kit.ofSecureContext(tls.createSecureContext(Kit.contextOptions({ ca: ca.root, ...own })), "agent.serviceradar")

const outcome = <A>(call: Effect.Effect<A, { readonly _tag: string }>) =>
  Effect.match(call, { onFailure: ({ _tag }) => _tag, onSuccess: () => "answered" })

const ask = Effect.fnUntraced(function*(port: number, ca: Authority, own: Issued | undefined, calls = 1) {
  const credentials = credentialsOf(ca, own)
  const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}`, credentials })
  const call = outcome(client.getStatus(statusRequest("s"), { deadline: "5 seconds" }))
  const answers = yield* Effect.forEach(Array.from({ length: calls }), () => call)
  return answers.at(-1)
})

const askForHealth = Effect.fnUntraced(function*(port: number, ca: Authority, own: Issued, calls: number) {
  const credentials = credentialsOf(ca, own)
  const health = GrpcHealth.client(yield* GrpcChannel.make({ target: `127.0.0.1:${port}`, credentials }))
  return yield* Effect.forEach(
    Array.from({ length: calls }),
    () => outcome(health.check("", { deadline: "5 seconds" }))
  )
})

/** A connection of TLS on which somebody waits for a session that can be resumed, or resumes it. */
const connection = (port: number, ca: Authority, own: Issued, session?: Buffer) =>
  Effect.callback<{ readonly ticket: Buffer | undefined; readonly isReused: boolean }, Error>((resume) => {
    const name = { servername: "localhost", ALPNProtocols: ["h2"] }
    const socket = tls.connect({ port, host: "127.0.0.1", ...name, ca: ca.root, ...own, session })
    let ticket: Buffer | undefined
    socket.on("session", (given) => ticket = given)
    socket.on("error", (error) => resume(Effect.fail(error)))
    // SETTINGS come after the tickets.
    socket.on("data", () => resume(Effect.succeed({ ticket, isReused: socket.isSessionReused() })))
    socket.once("secureConnect", () => socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"))
    return Effect.sync(() => socket.destroy())
  })

describe("GrpcAuthorization", () => {
  it.live.each(
    [
      ["no certificate", "Unavailable", () => undefined],
      ["one of another CA", "Unavailable", () => authority("Other").issue({ commonName: "poller.serviceradar" })],
      [
        "an expired one",
        "Unavailable",
        (ca: Authority) => ca.issue({ commonName: "poller.serviceradar" }, validFor(-2 * day, -day))
      ],
      [
        "one that is not valid yet",
        "Unavailable",
        (ca: Authority) => ca.issue({ commonName: "poller.serviceradar" }, validFor(day, 2 * day))
      ],
      ["an identity that nobody knows", "PermissionDenied", (ca: Authority) => ca.issue({ commonName: "somebody" })],
      [
        "an identity without the permission",
        "PermissionDenied",
        (ca: Authority) => ca.issue({ commonName: "agent.serviceradar" })
      ],
      ["a poller's", "answered", (ca: Authority) => ca.issue({ commonName: "poller.serviceradar" })],
      ["core's", "answered", (ca: Authority) => ca.issue({ commonName: "core.serviceradar" })]
    ] as const
  )("answers a caller with %s: %s", ([, expected, make]) =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca)

      assert.strictEqual(yield* ask(port, ca, make(ca)), expected)
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("lets in only whom the allow list names, and a name that the configuration gives a role", () =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca, { allowed_common_names: ["edge-7"], identity_roles: { "edge-7": "poller" } })

      assert.strictEqual(yield* ask(port, ca, ca.issue({ commonName: "edge-7" })), "answered")
      assert.strictEqual(yield* ask(port, ca, ca.issue({ commonName: "poller.serviceradar" })), "PermissionDenied")
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("refuses an identity that calls too often", () =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca, { rate_limits: { poller: { per_second: 0.001, burst: 2 } } })

      assert.strictEqual(yield* ask(port, ca, ca.issue({ commonName: "poller.serviceradar" }), 3), "ResourceExhausted")
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("gives an identity the rate of its role also after it was refused something", () =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca, { rate_limits: { agent: { per_second: 0.001, burst: 2 } } })
      const own = ca.issue({ commonName: "agent.serviceradar" })

      assert.strictEqual(yield* ask(port, ca, own), "PermissionDenied")
      assert.deepStrictEqual(yield* askForHealth(port, ca, own, 3), ["answered", "answered", "ResourceExhausted"])
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("resumes no session, whose certificate nobody would look at again", () =>
    Effect.gen(function*() {
      const ca = authority()
      const { port } = yield* served(ca)
      const own = ca.issue({ commonName: "poller.serviceradar" })

      const first = yield* connection(port, ca, own)
      const second = yield* connection(port, ca, own, first.ticket)

      assert.deepStrictEqual([first.isReused, second.isReused], [false, false])
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))
})
