/** Agents that are in no file, when another process takes the poller's place: they go along, and are polled on. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import * as FakeCore from "../fixtures/FakeCore.ts"
import { check, notingAgent } from "../support/pollerReload.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const intervalMillis = 3_000

const Told = Schema.fromJsonString(Schema.Struct({ data: Schema.Struct({ state: Schema.String }) }))

/** A port that notes when an agent's check connects to it. */
const notingPort = Effect.gen(function*() {
  const times: Array<number> = []
  const clock = yield* Clock.Clock
  const server = net.createServer((socket) => {
    times.push(clock.currentTimeMillisUnsafe())
    socket.on("error", () => {})
    socket.end()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => void server.close())
  )
  const bound = server.address()
  return { times, port: typeof bound === "object" ? bound?.port ?? 0 : 0 }
})

const gapsOf = (times: ReadonlyArray<number>) => times.slice(1).map((at, index) => at - (times[index] ?? 0))

describe("The replacement of a poller", () => {
  it.live(
    "takes over the agents that registered and those that were found, and misses no poll of them",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const file = (name: string) => path.join(folder, name)
        const writeJson = (name: string, value: unknown) =>
          Effect.promise(() => fs.writeFile(file(name), JSON.stringify(value)))
        const core = yield* FakeCore.serve({ takesParts: true })
        const ports = { poller: yield* Program.freePort, agent: yield* Program.freePort }
        const found = yield* notingAgent
        const { port, times } = yield* notingPort
        yield* writeJson("poller.json", {
          poller_id: "poller-1",
          source_ip: "127.0.0.1",
          core_address: core.address,
          poll_interval: `${intervalMillis}ms`,
          listen_addr: `127.0.0.1:${ports.poller}`,
          buffer: { dir: file("buffer") },
          agents: {},
          discovery: {
            // Shorter than the replacement may take: what is left of it goes along, and it is renewed at the new one.
            registration: { lease: "6s" },
            static: [{ address: found.address, agent_id: "listed" }],
            checks: [check("one")]
          }
        })
        yield* writeJson("agent.json", {
          agent_id: "edge-9",
          listen_addr: `127.0.0.1:${ports.agent}`,
          registration: {
            poller_address: `127.0.0.1:${ports.poller}`,
            checks: [{ service_type: "port", service_name: "own", details: `127.0.0.1:${port}` }]
          }
        })
        const start = (...args: ReadonlyArray<string>) =>
          Program.start(["poller", "--config", file("poller.json"), "--http", "off", ...args])
        const more = (count: number, programs: ReadonlyArray<Program.Program>) =>
          Effect.suspend(() => {
            const [ofPort, ofFound] = [times.length, found.polls.length]
            return Program.eventually(
              `${count} more polls of both`,
              Effect.sync(() =>
                times.length >= ofPort + count && found.polls.length >= ofFound + count
                  ? Option.some(true)
                  : Option.none()
              ),
              { within: "90 seconds", programs }
            )
          })
        const told = (agentId: string) =>
          core.received.flatMap(({ services }) => services)
            .filter((one) => one.agentId === agentId && one.serviceName === "registration")
            .map((one) => Schema.decodeUnknownSync(Told)(one.message.toString()).data.state)

        const first = yield* start()
        const agent = yield* Program.start(["agent", "--config", file("agent.json"), "--http", "off"], {
          env: { NATS_URL: "" }
        })
        yield* more(3, [first, agent])
        const sinceMillis = yield* Clock.currentTimeMillis
        const second = yield* start("--replace")
        assert.deepStrictEqual(
          yield* Effect.timeoutOption(first.exited, "60 seconds"),
          Option.some(0),
          `${first.output()}\n---\n${second.output()}`
        )
        // For longer than the lease, so that the agent has renewed it at the new one.
        yield* more(4, [second, agent])

        assert.match(second.output(), /this one has taken over/)
        for (
          const [name, all] of [["edge-9", times], [
            "listed",
            found.polls.map(({ atMillis }) => atMillis)
          ]] as const
        ) {
          const gaps = gapsOf(all.filter((at) => at >= sinceMillis - 1.5 * intervalMillis))
          const missed = gaps.filter((gap) => gap >= 2 * intervalMillis - 50)
          const doubled = gaps.filter((gap) => gap < intervalMillis / 2)
          assert.deepStrictEqual({ missed, doubled }, { missed: [], doubled: [] }, `${name}: ${gaps.join(", ")}`)
        }
        // Neither lost nor gone in between.
        assert.deepStrictEqual(new Set(told("edge-9")), new Set(["registered"]))
        assert.deepStrictEqual(new Set(told("listed")), new Set(["registered"]))
      }).pipe(Effect.scoped),
    // A lease that runs out and a poll that is missed may be the machine's doing.
    { retry: 2, timeout: 240_000 }
  )
})
