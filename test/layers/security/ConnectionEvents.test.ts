import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schedule, type Scope } from "effect"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import type { SecurityEvent } from "../../../src/domain/security/SecurityEvent.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import * as LiveCredentials from "../../../src/layers/security/LiveCredentials.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { authority, write } from "../../support/authority.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../grpc/fixture.ts"

const monitor = (events: Array<SecurityEvent>) =>
  Layer.succeed(SecurityMonitor, {
    record: (event) => Effect.sync(() => void events.push(event)),
    warnOfPlainText: () => Effect.void,
    summary: Effect.die("not asked for"),
    keep: Effect.never
  })

const block = (folder: string, name: string, roots = "root.pem") =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    role: name,
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: roots }
  })

const withEvents = <A, E>(
  events: Array<SecurityEvent>,
  effect: Effect.Effect<A, E, LiveCredentialsContext | Scope.Scope>
) => Effect.provide(effect, Layer.provideMerge(LiveCredentials.layer(), monitor(events)))

type LiveCredentialsContext = Layer.Success<ReturnType<typeof LiveCredentials.layer>> | SecurityMonitor

/** What an agent and a poller with these certificates tell of a call. */
const meet = Effect.fnUntraced(function*(folder: string, agent: string, poller: string, roots = "root.pem") {
  const [atAgent, atPoller]: [Array<SecurityEvent>, Array<SecurityEvent>] = [[], []]
  const { port } = yield* withEvents(
    atAgent,
    Effect.flatMap(
      GrpcCredentials.server(block(folder, agent), "127.0.0.1"),
      (credentials) =>
        serveOn(0, { credentials }, agentService({ getStatus: () => Effect.succeed(statusResponse("fine")) }))
    )
  )
  const target = `127.0.0.1:${port}`
  const credentials = yield* withEvents(atPoller, GrpcCredentials.client(block(folder, poller, roots), target))
  const client = yield* GrpcClient.make(AgentServiceService, { target, credentials })
  yield* Effect.exit(client.getStatus(statusRequest("s"), { deadline: "3 seconds" }))
  // The server hears of the end of a handshake after the client.
  yield* Effect.void.pipe(
    Effect.repeat({
      schedule: Schedule.spaced("10 millis"),
      until: () => atAgent.length > 0 || atPoller.some(({ _tag }) => _tag === "CertificateRejected")
    }),
    Effect.timeout("3 seconds")
  )
  const told = (events: ReadonlyArray<SecurityEvent>) =>
    [...new Set(events.map((event) => JSON.stringify(event).replaceAll(/127\.0\.0\.1:\d+/g, "HERE")))].map((text) =>
      JSON.parse(text)
    )
  return { agent: told(atAgent), poller: told(atPoller) }
})

const setUp = Effect.gen(function*() {
  const folder = yield* FileSystem.FileSystem.use((files) => files.makeTempDirectoryScoped())
  const [ca, other] = [authority(), authority("Another root")]
  yield* Effect.promise(async () => {
    await write(folder, "agent", ca.issue(), ca.root)
    await write(folder, "poller", ca.issue({ commonName: "poller.serviceradar" }), ca.root)
    await write(folder, "stranger", other.issue({ commonName: "stranger.serviceradar" }), `${ca.root}\n${other.root}`)
    await write(folder, "elsewhere", ca.issue({ addresses: ["192.0.2.1"] }), `${ca.root}\n${other.root}`)
  })
  // The stranger trusts the agent, but not the other way round.
  yield* FileSystem.FileSystem.use((files) =>
    Effect.andThen(
      files.writeFileString(`${folder}/root.pem`, ca.root),
      files.writeFileString(`${folder}/both.pem`, `${ca.root}\n${other.root}`)
    )
  )
  return folder
})

describe("Connections over TLS", () => {
  it.live("are told of by name on both sides", () =>
    Effect.gen(function*() {
      const { agent, poller } = yield* meet(yield* setUp, "agent", "poller")

      const came = (peer: string) => [{ _tag: "ConnectionAttempt", peer, success: true, reason: "" }]
      assert.deepStrictEqual([agent, poller], [came("poller.serviceradar"), came("agent.serviceradar")])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("that a server refuses are told of with address, reason and the name that was claimed", () =>
    Effect.gen(function*() {
      const { agent } = yield* meet(yield* setUp, "agent", "stranger", "both.pem")

      assert.deepStrictEqual(agent.map(({ _tag }: SecurityEvent) => _tag), ["CertificateRejected", "ConnectionAttempt"])
      const [rejected, attempt] = agent
      assert.match(rejected.reason, /^HERE: (UNABLE_TO|SELF_SIGNED)/)
      assert.deepInclude(attempt, { peer: "HERE", success: false })
      assert.match(attempt.reason, /UNABLE_TO|SELF_SIGNED/)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("that a client refuses are told of with what it dialled and the reason", () =>
    Effect.gen(function*() {
      const { poller } = yield* meet(yield* setUp, "elsewhere", "poller")

      assert.deepStrictEqual(poller.map(({ _tag }: SecurityEvent) => _tag), [
        "CertificateRejected",
        "ConnectionAttempt"
      ])
      const [rejected, attempt] = poller
      assert.match(rejected.reason, /^HERE: .*does not match certificate's altnames/)
      assert.deepInclude(attempt, { peer: "HERE", success: false })
    }).pipe(Effect.provide(NodeServices.layer)))
})
