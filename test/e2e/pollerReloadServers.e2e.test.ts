/** `serviceradar poller` whose own servers, and whose ways to find agents, become others while it runs. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as GrpcChannel from "../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcCredentials from "../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcHealth from "../../src/layers/grpc/GrpcHealth.ts"
import { check, disturbance, notingAgent, world } from "../support/pollerReload.ts"
import * as Program from "../support/Program.ts"

const intervalMillis = 2_000
const pem = (name: string) => path.resolve(import.meta.dirname, "../fixtures/tls", `${name}.pem`)
const files = { cert_file: pem("poller"), key_file: pem("poller-key"), ca_file: pem("root") }
const read = (name: string): string => fs.readFileSync(pem(name), "utf8")
const client = { cert: read("agent"), key: read("agent-key"), ca: read("root") }

const healthOver = (target: string, credentials: GrpcCredentials.ClientCredentials) =>
  Effect.scoped(Effect.flatMap(
    GrpcChannel.make({ target, credentials }),
    (channel) => GrpcHealth.client(channel).check("PollerService")
  ))

const statusInTheClear = (port: number) =>
  Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/health/live`)).pipe(Effect.map(({ status }) => status))

describe("serviceradar poller", () => {
  it.live(
    "gives its own servers another security when its file does, and no agent notices",
    () =>
      Effect.gen(function*() {
        const [port, httpPort] = [yield* Program.freePort, yield* Program.freePort]
        const target = `127.0.0.1:${port}`
        const { agents, core, polled, program, rounds, write } = yield* world({
          agents: 3,
          pollInterval: `${intervalMillis}ms`,
          file: { listen_addr: target },
          http: `127.0.0.1:${httpPort}`
        })
        const soon = <A, E>(what: string, effect: Effect.Effect<A, E>) =>
          Program.eventually(what, Effect.asSome(effect), { within: "60 seconds", programs: [program] })
        const mutual = yield* GrpcCredentials.mutualClient(client)
        yield* rounds(3)
        assert.strictEqual(yield* healthOver(target, GrpcCredentials.plainClient), "SERVING")
        assert.strictEqual(yield* statusInTheClear(httpPort), 200)
        const sinceMillis = yield* Clock.currentTimeMillis

        yield* write({ security: { mode: "mtls", role: "poller", tls: files } })
        assert.strictEqual(yield* soon("gRPC over mTLS", healthOver(target, mutual)), "SERVING")
        // HTTP on the loopback stays as it is, and goes on answering.
        assert.strictEqual(yield* soon("HTTP", statusInTheClear(httpPort)), 200)
        const plain = yield* Effect.flip(healthOver(target, GrpcCredentials.plainClient))
        assert.strictEqual(plain._tag, "Unavailable")

        // One that cannot be used leaves what there is.
        yield* write({ security: { mode: "mtls", role: "poller", tls: { ...files, key_file: pem("absent") } } })
        yield* polled("the complaint", () => program.output().includes("the gRPC server stays as it was"))
        assert.strictEqual(yield* soon("gRPC over mTLS still", healthOver(target, mutual)), "SERVING")

        const reportsBefore = core.received.length
        yield* write()
        assert.strictEqual(yield* soon("plain gRPC", healthOver(target, GrpcCredentials.plainClient)), "SERVING")
        assert.strictEqual(yield* soon("HTTP", statusInTheClear(httpPort)), 200)
        yield* polled("reports again", () => core.received.length > reportsBefore)
        yield* rounds(2)
        assert.deepStrictEqual(
          agents.flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis))),
          []
        )
        assert.isTrue(program.isRunning())
      }).pipe(Effect.scoped),
    180_000
  )

  it.live(
    "finds agents by what its file says from then on, and lets go whom it does not find any more",
    () =>
      Effect.gen(function*() {
        const { agents, core, polled, rounds, write } = yield* world({ agents: 3, pollInterval: `${intervalMillis}ms` })
        const [one, other, third] = [yield* notingAgent, yield* notingAgent, yield* notingAgent]
        const listed = (agents: Readonly<Record<string, { readonly address: string }>>) => ({
          discovery: {
            static: Object.entries(agents).map(([agent_id, { address }]) => ({ agent_id, address })),
            checks: [check("one"), check("two")]
          }
        })
        yield* rounds(3)
        const sinceMillis = yield* Clock.currentTimeMillis
        const told = (agentId: string) =>
          core.received.flatMap(({ services }) => services)
            .filter((status) => status.agentId === agentId && status.serviceName === "registration")
            .map(({ message }) => String(JSON.parse(message.toString()).data.state))

        // The file had no discovery when the poller was started.
        yield* write(listed({ one, other }))
        yield* rounds(3, [one, other])
        const otherSinceMillis = yield* Clock.currentTimeMillis
        yield* write(listed({ other, third }))
        yield* rounds(2, [third])
        yield* polled("that one has left", () => told("one").at(-1) === "left")
        const goneAfter = one.polls.length
        yield* rounds(3, [other, third])
        assert.strictEqual(one.polls.length, goneAfter)
        assert.deepStrictEqual(disturbance(other.polls, otherSinceMillis, intervalMillis), Option.none())

        yield* write()
        yield* polled("that all have left", () => ["other", "third"].every((id) => told(id).at(-1) === "left"))
        const allGoneAfter = [other, third].map(({ polls }) => polls.length)
        yield* rounds(2)
        assert.deepStrictEqual([other, third].map(({ polls }) => polls.length), allGoneAfter)
        assert.deepStrictEqual([told("one"), told("other"), told("third")], [
          ["registered", "left"],
          ["registered", "left"],
          ["registered", "left"]
        ])
        assert.deepStrictEqual(
          agents.flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis))),
          []
        )
      }).pipe(Effect.scoped),
    180_000
  )
})
