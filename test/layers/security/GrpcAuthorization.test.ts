/** Who may ask an agent, by the certificate that it shows. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, References } from "effect"
import * as tls from "node:tls"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as Kit from "../../../src/layers/grpc/GrpcCredentials.ts"
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
const ask = Effect.fnUntraced(function*(port: number, ca: Authority, own: Issued | undefined, calls = 1) {
  const context = tls.createSecureContext(Kit.contextOptions({ ca: ca.root, ...own }))
  const credentials = Kit.ofSecureContext(context, "agent.serviceradar")
  const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}`, credentials })
  const call = client.getStatus(statusRequest("s"), { deadline: "5 seconds" }).pipe(
    Effect.match({ onFailure: (error) => error._tag, onSuccess: () => "answered" })
  )
  const answers = yield* Effect.forEach(Array.from({ length: calls }), () => call)
  return answers.at(-1)
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
})
