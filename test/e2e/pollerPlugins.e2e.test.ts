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

const replace = (file: string, text: string) =>
  Effect.promise(async () => {
    const fresh = path.join(path.dirname(file), ".fresh")
    await fs.writeFile(fresh, text)
    await fs.rename(fresh, file)
  })

/** A poller of one agent, and what core was told last. */
const world = Effect.fnUntraced(function*() {
  const folder = yield* temporaryFolder
  const file = path.join(folder, "poller.json")
  const address = yield* FakeAgent.serve()
  const { port, received } = yield* FakeCore.serve({ takesParts: true })
  const pluginFolder = (name: string) =>
    Effect.promise(async () => {
      const made = path.join(folder, name)
      await fs.mkdir(made, { mode: 0o755 })
      return made
    })
  const configure = (more: object) =>
    replace(
      file,
      JSON.stringify({
        poller_id: "poller-1",
        source_ip: "127.0.0.1",
        core_address: `127.0.0.1:${port}`,
        poll_interval: "200ms",
        ...more,
        agents: {
          "agent-1": { address, checks: [{ service_type: "port", service_name: "ssh", details: "x:1" }] }
        }
      })
    )
  const start = Program.start(["poller", "--config", file, "--http", "off"])
  const newest = () => {
    const status = received.at(-1)?.services.at(-1)
    return status === undefined ? {} : { ...JSON.parse(status.message.toString()).data, available: status.available }
  }
  const until = (poller: Program.Program) => (what: string, holds: () => boolean) =>
    Program.eventually(what, Effect.sync(() => holds() ? Option.some(true) : Option.none()), {
      within: "60 seconds",
      programs: [poller]
    })
  return { configure, newest, pluginFolder, received, start, until }
})

describe("A poller with a plugin", () => {
  it.live(
    "reports what that makes of answers, takes up a changed file, and goes back when it fails",
    () =>
      Effect.gen(function*() {
        const { configure, newest, pluginFolder, received, start, until: untilOf } = yield* world()
        const plugins = yield* pluginFolder("plugins")
        const write = (text: string) => replace(path.join(plugins, "label.mjs"), text)
        yield* configure({ plugins: { dir: plugins, timeout: "1s" } })
        yield* write(plugin("one"))
        const poller = yield* start
        const until = untilOf(poller)

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
        // What was on its way when that failed may come last for a moment.
        yield* until("what the one before says again", () => received.length > count + 2 && newest().label === "two")
      }),
    120_000
  )

  it.live("has it, another one or none, as its file says while it runs", () =>
    Effect.gen(function*() {
      const { configure, newest, pluginFolder, start, until: untilOf } = yield* world()
      const [one, other] = [yield* pluginFolder("one"), yield* pluginFolder("other")]
      yield* replace(path.join(one, "label.mjs"), plugin("one"))
      yield* replace(path.join(other, "label.mjs"), plugin("other"))
      yield* configure({})
      const until = untilOf(yield* start)

      yield* until("an answer as it was given", () => newest().available === true)
      yield* configure({ plugins: { dir: one, timeout: "1s" } })
      yield* until("what the plugin says", () => newest().label === "one" && newest().asked > 3)
      yield* configure({ plugins: { dir: other, timeout: "1s" } })
      yield* until("what the other one says", () => newest().label === "other")
      // It is followed as the first was.
      yield* replace(path.join(other, "label.mjs"), plugin("changed"))
      yield* until("what the changed one says", () => newest().label === "changed")
      yield* configure({})
      yield* until("an answer as it was given again", () => newest().available === true)
      assert.isUndefined(newest().label)
    }), 180_000)
})
