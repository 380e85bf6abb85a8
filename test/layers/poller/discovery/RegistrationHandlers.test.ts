/** Who may register at a poller, by the certificate that it shows, and what is made of what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Metric, References } from "effect"
import * as tls from "node:tls"
import { PollerId } from "../../../../src/domain/monitoring/Ids.ts"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import { AgentRegistrationService } from "../../../../src/gen/serviceradar/registration.ts"
import * as GrpcClient from "../../../../src/layers/grpc/GrpcClient.ts"
import * as Kit from "../../../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcServer from "../../../../src/layers/grpc/GrpcServer.ts"
import * as RegistrationHandlers from "../../../../src/layers/poller/discovery/RegistrationHandlers.ts"
import * as GrpcAuthorization from "../../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../../src/layers/security/GrpcCredentials.ts"
import { Arrivals } from "../../../../src/services/poller/discovery/Arrivals.ts"
import * as PollerMetrics from "../../../../src/services/poller/PollerMetrics.ts"
import { type Authority, authority, type Issued, write } from "../../../support/authority.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const served = Effect.fnUntraced(function*(ca: Authority, more: Partial<SecurityConfig.SecurityBlock> = {}) {
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "poller", ca.issue(), ca.root))
  const security = SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    role: "poller",
    tls: { cert_file: "poller.pem", key_file: "poller-key.pem", ca_file: "root.pem" },
    ...more
  })
  const arrivals = yield* Arrivals
  const { address } = yield* GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    grace: 0,
    credentials: yield* GrpcCredentials.server(security, "127.0.0.1"),
    interceptors: yield* GrpcAuthorization.interceptors(security, "127.0.0.1", [RegistrationHandlers.requirements]),
    services: [RegistrationHandlers.make({
      pollerId: PollerId.make("poller-1"),
      lease: Duration.minutes(1),
      arrivals
    })]
  })
  return address
})

const outcome = <A>(call: Effect.Effect<A, { readonly _tag: string; readonly detail: string }>) =>
  Effect.match(call, { onFailure: ({ _tag, detail }) => `${_tag}: ${detail}`, onSuccess: () => "registered" })

const clientOf = (target: string, ca: Authority, own: Issued) =>
  GrpcClient.make(AgentRegistrationService, {
    target,
    credentials: Kit.ofSecureContext(
      tls.createSecureContext(Kit.contextOptions({ ca: ca.root, ...own })),
      "agent.serviceradar"
    )
  })

const refusedFor = (reason: string) =>
  Effect.map(
    Metric.value(Metric.withAttributes(PollerMetrics.refusedAgents, { source: "registration", reason })),
    ({ count }) => count
  )

const request = { agentId: "edge-7", port: 50_051, version: "1.2", capabilities: ["port"], checks: [] }

const arrivals = Arrivals.layer({ agentsMax: () => 10, isConfigured: (agentId) => agentId === "in-the-file" })

describe("The registration of agents", () => {
  it.live("is for agents, who are dialled where they called from and keep their ids", () =>
    Effect.gen(function*() {
      const ca = authority()
      const target = yield* served(ca, { identity_roles: { thief: "agent" } })
      const agent = yield* clientOf(target, ca, ca.issue({ commonName: "agent.serviceradar" }))
      const poller = yield* clientOf(target, ca, ca.issue({ commonName: "poller.serviceradar" }))
      const thief = yield* clientOf(target, ca, ca.issue({ commonName: "thief" }))

      assert.include(yield* outcome(poller.register(request)), "PermissionDenied")
      assert.strictEqual(yield* outcome(agent.register(request)), "registered")
      const taken = yield* refusedFor("taken")
      assert.include(yield* outcome(thief.register(request)), "AlreadyExists: agent edge-7 is not taken")
      assert.strictEqual(yield* refusedFor("taken"), taken + 1)
      assert.include(yield* outcome(thief.deregister({ agentId: "edge-7" })), "AlreadyExists")
      assert.include(yield* outcome(agent.register({ ...request, agentId: "in-the-file" })), "FailedPrecondition")
      const { arrivals } = yield* Arrivals.use(({ current }) => current)
      assert.deepStrictEqual(
        arrivals.map(({ address, agentId, identity }) => ({ address, agentId, identity })),
        [{ address: "127.0.0.1:50051", agentId: arrivals[0]?.agentId, identity: "agent.serviceradar" }]
      )
      assert.strictEqual(yield* outcome(agent.deregister({ agentId: "edge-7" })), "registered")
      assert.deepStrictEqual((yield* Arrivals.use(({ current }) => current)).arrivals, [])
    }).pipe(
      Effect.provide([secured, arrivals]),
      Effect.scoped,
      Effect.provideService(References.MinimumLogLevel, "None")
    ))

  it.live("refuses what is no agent by its field, and whoever calls too often", () =>
    Effect.gen(function*() {
      const ca = authority()
      const target = yield* served(ca, { rate_limits: { agent: { per_second: 0.001, burst: 4 } } })
      const agent = yield* clientOf(target, ca, ca.issue({ commonName: "agent.serviceradar" }))

      const unreadable = yield* refusedFor("unreadable")
      assert.match(yield* outcome(agent.register({ ...request, agentId: "" })), /^InvalidArgument: [^]*agentId/)
      assert.strictEqual(yield* refusedFor("unreadable"), unreadable + 1)
      assert.match(yield* outcome(agent.register({ ...request, port: 70_000 })), /^InvalidArgument: [^]*port/)
      const capabilities = Array.from({ length: 65 }, () => "x")
      assert.match(yield* outcome(agent.register({ ...request, capabilities })), /^InvalidArgument: [^]*capabilities/)
      assert.strictEqual(yield* outcome(agent.register(request)), "registered")
      assert.include(yield* outcome(agent.register(request)), "ResourceExhausted")
    }).pipe(
      Effect.provide([secured, arrivals]),
      Effect.scoped,
      Effect.provideService(References.MinimumLogLevel, "None")
    ))
})
