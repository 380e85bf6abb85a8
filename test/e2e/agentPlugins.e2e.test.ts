/** The process of an agent's plugins: begun with the first of them, begun again when it is killed, and gone with its agent. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as OwnHouse from "../support/ownHouse.ts"
import * as Program from "../support/Program.ts"
import { replaceFile } from "../support/replaceFile.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const plugin = (type: string, check: string) =>
  `export const contract = 1
export const kind = "checker"
export const serviceTypes = [${JSON.stringify(type)}]
export const timeoutMillis = 10000
export const check = ${check}
`

const world = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const plugins = path.join(folder, "plugins")
  yield* Effect.promise(() => fs.mkdir(plugins, { mode: 0o755 }))
  const port = yield* Program.freePort
  const config = path.join(folder, "agent.json")
  const text = JSON.stringify({ agent_id: "edge-1", listen_addr: `127.0.0.1:${port}`, plugins: { dir: plugins } })
  yield* Effect.promise(() => fs.writeFile(config, text))
  const agent = yield* Program.start(["agent", "--config", config, "--http", "off"])
  const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
  const ask = (serviceType: string, details = "") =>
    client.getStatus({ serviceType, serviceName: "it", details, port: 0, agentId: "", pollerId: "poller-1" })
  const until = <A>(what: string, effect: Effect.Effect<A, unknown>, holds: (value: A) => boolean) =>
    Program.eventually(what, Effect.map(effect, Option.liftPredicate(holds)), {
      within: "60 seconds",
      programs: [agent]
    })
  const add = (type: string, check: string) =>
    Effect.promise(() => replaceFile(path.join(plugins, `${type}.mjs`), plugin(type, check)))
  const answers = (type: string) => until(`${type} answers`, ask(type), ({ available }) => available)
  return { agent, add, answers, ask, until }
})

const well = "() => ({ available: true, facts: { pid: process.pid } })"

describe("The process of an agent's plugins", () => {
  it.live(
    "is begun with the first plugin, and again when it is killed, which costs nobody but plugins",
    () =>
      Effect.gen(function*() {
        const { add, agent, answers, ask, until } = yield* world
        yield* until("the agent serves", ask("process", "node"), ({ available }) => available)
        assert.deepStrictEqual(yield* OwnHouse.allOf("serviceradar-plugins", agent.pid), [])
        yield* add("well", well)
        yield* answers("well")
        const first = yield* OwnHouse.of("serviceradar-plugins", agent.pid)
        process.kill(first, "SIGKILL")
        assert.isTrue((yield* ask("process", "node")).available)
        yield* answers("well")
        const second = yield* OwnHouse.of("serviceradar-plugins", agent.pid)
        assert.notStrictEqual(second, first)
        assert.isTrue(agent.isRunning())
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "may be written to by a plugin that writes to any open file, which costs the agent nothing",
    () =>
      Effect.gen(function*() {
        const { add, agent, answers, ask } = yield* world
        const write = `async ({ details }) => {
  const fs = await import("node:fs")
  try { fs.writeSync(Number(details), "no message\\n{}\\n\\u0000\\n") } catch {}
  return { available: true }
}`
        yield* add("writing", write)
        yield* add("well", well)
        yield* answers("well")
        yield* answers("writing")
        for (let file = 3; file < 24; file++) yield* Effect.exit(ask("writing", `${file}`))

        assert.isTrue(agent.isRunning(), agent.output())
        yield* answers("well")
        assert.isTrue((yield* ask("process", "node")).available)
      }).pipe(Effect.scoped),
    120_000
  )

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it.live(`ends with its agent by ${signal}, also while one of them spins`, () =>
      Effect.gen(function*() {
        const { add, agent, answers, ask, until } = yield* world
        yield* add("well", well)
        yield* add("spinning", "() => { for (;;); }")
        yield* answers("well")
        const house = yield* OwnHouse.of("serviceradar-plugins", agent.pid)
        const threads = Effect.promise(() => fs.readdir(`/proc/${house}/task`)).pipe(Effect.map((all) => all.length))
        yield* until("the other one is known", Effect.sync(agent.output), (all) => all.includes("spinning: version"))
        const before = yield* threads
        yield* Effect.forkScoped(Effect.exit(ask("spinning")))
        yield* until("it spins", threads, (count) => count > before)
        yield* agent.kill(signal)
        yield* agent.exited
        yield* OwnHouse.untilGone(house)
      }).pipe(Effect.scoped), 120_000)
  }
})
