/** Connections with certificates come about over a simulated network as they do over this machine's, and are renewed as there. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import { authority, type Issued, validFor } from "../../support/authority.ts"
import { statusRequest } from "../grpc/fixture.ts"
import { inWorld, serving } from "./SecuredPeers.ts"

const serverName = "agent.serviceradar"
const hour = 3_600_000

const ours = authority("Ours")
const theirs = authority("Theirs")
const over = validFor(-2 * hour, -hour)
const client = ours.issue({ commonName: "poller.serviceradar" })
const server = ours.issue({ commonName: serverName })

interface Case {
  readonly client: GrpcCredentials.ClientCredentials
  readonly server: GrpcCredentials.ServerCredentials
}

const clientOf = (issued: Issued, ca: string) => GrpcCredentials.mutualClient({ ...issued, ca, serverName })
const serverOf = (issued: Issued, ca: string) => GrpcCredentials.mutualServer({ ...issued, ca })

const cases: Readonly<Record<string, Effect.Effect<Case, GrpcCredentials.InvalidCertificate>>> = {
  "that fit": Effect.all({ client: clientOf(client, ours.root), server: serverOf(server, ours.root) }),
  "of two authorities that both sides trust": Effect.all({
    client: clientOf(theirs.issue({ commonName: "poller.serviceradar" }), ours.root + theirs.root),
    server: serverOf(server, ours.root + theirs.root)
  }),
  "of which the client's is of another authority": Effect.all({
    client: clientOf(theirs.issue({ commonName: "poller.serviceradar" }), ours.root),
    server: serverOf(server, ours.root)
  }),
  "of which the server's is of another authority": Effect.all({
    client: clientOf(client, ours.root),
    server: serverOf(theirs.issue({ commonName: serverName }), ours.root)
  }),
  "of which the client's has expired": Effect.all({
    client: clientOf(ours.issue({ commonName: "poller.serviceradar" }, over), ours.root),
    server: serverOf(server, ours.root)
  }),
  "of which the server's has expired": Effect.all({
    client: clientOf(client, ours.root),
    server: serverOf(ours.issue({ commonName: serverName }, over), ours.root)
  }),
  "of which the server's has another name": Effect.all({
    client: clientOf(client, ours.root),
    server: serverOf(ours.issue({ commonName: "core.serviceradar" }), ours.root)
  }),
  "of which only the server has one": Effect.map(serverOf(server, ours.root), (server) => ({
    client: GrpcCredentials.plainClient,
    server
  })),
  "of which only the client has one": Effect.map(clientOf(client, ours.root), (client) => ({
    client,
    server: GrpcCredentials.plainServer
  }))
}

const asking = Effect.fnUntraced(function*(target: string, credentials: GrpcCredentials.ClientCredentials) {
  const agent = yield* GrpcClient.make(AgentServiceService, { target, credentials, connectTimeout: "2 seconds" })
  return yield* Effect.match(agent.getStatus(statusRequest("s"), { deadline: "10 seconds" }), {
    onFailure: ({ _tag }): string => _tag,
    onSuccess: ({ message }) => new TextDecoder().decode(message)
  })
})

describe("gRPC with certificates in a world", () => {
  it.live.each(Object.keys(cases))(
    "answers as over this machine's network with those %s",
    (name) =>
      Effect.gen(function*() {
        const credentials = yield* cases[name] ?? Effect.die(new Error(`no case ${name}`))
        const { address } = yield* serving(credentials.server, "127.0.0.1", 0)
        const real = yield* asking(address, credentials.client)

        const simulated = inWorld(
          serving(credentials.server, "0.0.0.0", 50_051),
          asking("server:50051", credentials.client)
        )

        assert.strictEqual(simulated, real)
        assert.strictEqual(
          real === "Unavailable",
          !["that fit", "of two authorities that both sides trust"].includes(name)
        )
      })
  )

  it.effect("makes new connections with renewed certificates, and fails no call meanwhile", () =>
    Effect.gen(function*() {
      const first = yield* clientOf(client, ours.root)
      const second = ours.issue({ commonName: "poller.serviceradar" })
      let current = client
      let renew = () => {}
      const credentials: GrpcCredentials.ClientCredentials = {
        ...first,
        identity: () => ({ cert: current.cert, ca: ours.root }),
        onRenewal: (listener) => {
          renew = listener
          return () => {}
        }
      }
      const listening = yield* serverOf(server, ours.root)
      const next = yield* serverOf(ours.issue({ commonName: serverName }), ours.root)
      const served = serving(
        { ...listening, renewals: Stream.fromEffect(Effect.delay(Effect.succeed({ ...next.tls }), "5 seconds")) },
        "0.0.0.0",
        50_051
      )
      let dials = 0
      const answers = inWorld(
        served,
        Effect.gen(function*() {
          const agent = yield* GrpcClient.make(AgentServiceService, { target: "server:50051", credentials })
          const ask = Effect.flatMap(
            Effect.exit(agent.getStatus(statusRequest("s"))),
            (exit) =>
              Effect.as(
                Effect.sleep("100 millis"),
                Exit.isSuccess(exit) ? new TextDecoder().decode(exit.value.message) : "failed"
              )
          )
          const seen = new Set<string>()
          for (let at = 0; at < 60; at += 1) {
            if (at === 20) {
              current = second
              renew()
            }
            seen.add(yield* ask)
          }
          return [...seen]
        }),
        () => {
          dials += 1
        }
      )

      assert.isFalse(answers?.includes("failed"))
      assert.lengthOf(answers ?? [], 2)
      // The first, one for the client's certificate, one for the server's.
      assert.strictEqual(dials, 3)
    }))
})
