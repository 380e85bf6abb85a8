import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const plugin = (label: string) =>
  `export const contract = 1
export const kind = "check"
export const initial = () => 0
export const process = (input, asked) => ({
  available: false,
  message: JSON.stringify({ label: ${JSON.stringify(label)}, asked: asked + 1 }),
  state: asked + 1
})
`

describe("A poller with a plugin", () => {
  it.live(
    "reports what that makes of answers, takes up a changed file, and goes back when it fails",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const plugins = path.join(folder, "plugins")
        const file = path.join(folder, "poller.json")
        const address = yield* FakeAgent.serve()
        const { port, received } = yield* FakeCore.serve({ takesParts: true })
        const write = (text: string) =>
          Effect.promise(async () => {
            await fs.writeFile(path.join(plugins, ".fresh"), text)
            await fs.rename(path.join(plugins, ".fresh"), path.join(plugins, "label.mjs"))
          })
        yield* Effect.promise(async () => {
          await fs.mkdir(plugins, { mode: 0o755 })
          await fs.writeFile(
            file,
            JSON.stringify({
              poller_id: "poller-1",
              source_ip: "127.0.0.1",
              core_address: `127.0.0.1:${port}`,
              poll_interval: "200ms",
              plugins: { dir: plugins, timeout: "1s" },
              agents: {
                "agent-1": { address, checks: [{ service_type: "port", service_name: "ssh", details: "x:1" }] }
              }
            })
          )
        })
        yield* write(plugin("one"))
        const poller = yield* Program.start(["poller", "--config", file, "--http", "off"])
        const newest = () => {
          const status = received.at(-1)?.services.at(-1)
          return status === undefined
            ? {}
            : { ...JSON.parse(status.message.toString()).data, available: status.available }
        }
        const until = (what: string, holds: () => boolean) =>
          Program.eventually(what, Effect.sync(() => holds() ? Option.some(true) : Option.none()), {
            within: "60 seconds",
            programs: [poller]
          })

        yield* until("what the plugin says", () => newest().label === "one")
        assert.isFalse(newest().available)
        const before = newest().asked
        yield* write(plugin("two"))
        yield* until("what the changed plugin says", () => newest().label === "two")
        // Its state went over.
        assert.isAbove(newest().asked, before)
        yield* until("the end of its probation", () => newest().asked > before + 8)
        yield* write(
          "export const contract = 1\nexport const kind = \"check\"\nexport const process = () => { for (;;); }\n"
        )
        yield* until("the way back", () => /plugin label: process: timed out.* is back/.test(poller.output()))
        const count = received.length
        yield* until("more reports", () => received.length > count + 2)
        assert.strictEqual(newest().label, "two")
      }),
    120_000
  )
})
