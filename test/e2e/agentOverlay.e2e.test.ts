/** What the key-value store lays over the files of an agent and its checkers, while it runs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as FakeDataService from "../fixtures/FakeDataService.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

describe("An agent with a key-value store", () => {
  it.live("follows its own keys and those of its checkers, also of a file that comes later", () =>
    Effect.gen(function*() {
      const store = yield* FakeDataService.serve
      const folder = yield* temporaryFolder
      const checkers = path.join(folder, "checkers")
      const port = yield* Program.freePort
      const file = path.join(folder, "agent.json")
      const echo = (name: string, text: string) =>
        JSON.stringify({ name, type: "exec", details: { program: "/bin/echo", args: [text], contract: "exitCode" } })
      yield* Effect.promise(async () => {
        await fs.mkdir(checkers)
        await fs.writeFile(path.join(checkers, "a.json"), echo("a", "file"))
        await fs.writeFile(
          file,
          JSON.stringify({ agent_id: "edge-1", listen_addr: `127.0.0.1:${port}`, checkers_dir: checkers })
        )
      })
      const put = (name: string, text: string) => store.put(`agents/edge-1/checkers/${name}.json`, echo(name, text))
      put("a", "stored")
      const agent = yield* Program.start(["agent", "--config", file, "--http", "off"], {
        env: { CONFIG_SOURCE: "kv", KV_ADDRESS: store.address, KV_SEC_MODE: "none" }
      })
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
      const ask = (serviceName: string) =>
        client.getStatus({ serviceType: "exec", serviceName, details: "", port: 0, agentId: "", pollerId: "p" }).pipe(
          Effect.map(({ available, message }) => ({ available, output: String(JSON.parse(message.toString()).output) }))
        )
      const until = (name: string, output: string) =>
        Program.eventually(
          `${name} says ${output}`,
          Effect.map(ask(name), Option.liftPredicate((one) => one.output === output)),
          { within: "40 seconds", programs: [agent] }
        )

      yield* until("a", "stored")
      put("a", "stored again")
      yield* until("a", "stored again")
      put("b", "later")
      yield* Effect.promise(() => fs.writeFile(path.join(checkers, "b.json"), echo("b", "file")))
      yield* until("b", "later")
      put("b", "later still")
      yield* until("b", "later still")
      store.put("config/agents/edge-1.json", JSON.stringify({ availability: "go" }))
      yield* Program.eventually(
        "the agent's own key",
        Effect.sync(() => Option.liftPredicate(agent.output(), (all) => all.includes("availability is go"))),
        { within: "40 seconds", programs: [agent] }
      )
      assert.strictEqual((yield* ask("a")).output, "stored again")

      const logged = (text: string) =>
        Program.eventually(
          text,
          Effect.sync(() => Option.liftPredicate(agent.output(), (all) => all.includes(text))),
          { within: "40 seconds", programs: [agent] }
        )
      store.put("agents/edge-1/checkers/a.json", "{bad")
      yield* logged("what the file said before stays")
      assert.strictEqual((yield* ask("a")).output, "stored again")
      // Whose keys these are is settled at the start.
      store.put("config/agents/edge-1.json", JSON.stringify({ agent_id: "edge-2" }))
      yield* logged("agent_id is another one")
      put("a", "still its own")
      yield* until("a", "still its own")
    }).pipe(Effect.scoped))
})
