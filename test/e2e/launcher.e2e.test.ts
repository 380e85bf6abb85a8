/**
 * What `bin/serviceradar.mjs` does: with the event writer, and on a Node that is too old, which a preloaded line makes
 * this Node pretend to be.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { spawnSync } from "node:child_process"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")
const pretend = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})"
const oldNode = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(pretend)}` }

/** The launcher in a package of its own. */
const packageFolder = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const home = yield* files.makeTempDirectoryScoped()
  yield* files.makeDirectory(`${home}/bin`)
  yield* files.copyFile(path.join(root, "bin/serviceradar.mjs"), `${home}/bin/serviceradar.mjs`)
  yield* files.copyFile(path.join(root, "package.json"), `${home}/package.json`)
  return home
})

const launch = (home: string, ...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [`${home}/bin/serviceradar.mjs`, ...args], { env: oldNode, encoding: "utf8" })

/** What Node was started with, as the program sees it. */
const flagsOf = Effect.fnUntraced(function*(nodeOptions: string, ...args: ReadonlyArray<string>) {
  const files = yield* FileSystem.FileSystem
  const home = yield* packageFolder
  yield* files.makeDirectory(`${home}/dist/programs/cli`, { recursive: true })
  yield* files.writeFileString(`${home}/dist/programs/cli/main.js`, "console.log(process.execArgv.join(' '))")
  const env = { ...process.env, NODE_OPTIONS: nodeOptions }
  const { stderr, stdout } = spawnSync(process.execPath, [`${home}/bin/serviceradar.mjs`, ...args], {
    env,
    encoding: "utf8"
  })
  assert.strictEqual(stderr, "")
  return stdout.trim()
})

describe("The launcher", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("runs what runs for long with a heap that does not grow at leisure, and nothing else", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* flagsOf("", "event-writer"),
          "--max-semi-space-size=8 --heap-growing-percent=120 --expose-gc"
        )
        assert.strictEqual(yield* flagsOf("", "up"), "--max-semi-space-size=4 --heap-growing-percent=120 --expose-gc")
        assert.strictEqual(yield* flagsOf("", "check"), "")
      }))

    it.effect("leaves the heap alone when somebody has said how large it may be", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* flagsOf("--max-old-space-size=512", "event-writer"), "")
      }))
  })
})

describe("The launcher on an old Node", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("says which Node is needed and how to get it", () =>
      Effect.gen(function*() {
        const { status, stderr } = launch(yield* packageFolder, "up")

        assert.strictEqual(status, 2)
        assert.match(stderr, /needs Node 22\.19 or newer; this is Node 20\.1\.0/)
        assert.include(stderr, "npm install --no-save node@24")
      }))

    it.effect("hands over to the bundled Node with arguments and exit code", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const home = yield* packageFolder
        yield* files.makeDirectory(`${home}/node_modules/node/bin`, { recursive: true })
        yield* files.writeFileString(`${home}/node_modules/node/bin/node`, "#!/bin/sh\nshift\necho \"$@\"\nexit 7\n", {
          mode: 0o755
        })

        const { status, stdout } = launch(home, "check", "--json")

        assert.strictEqual(stdout, "check --json\n")
        assert.strictEqual(status, 7)
      }))

    it.effect("does not go round in circles when the bundled Node is old as well", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const home = yield* packageFolder
        yield* files.makeDirectory(`${home}/node_modules/node/bin`, { recursive: true })
        yield* files.symlink(process.execPath, `${home}/node_modules/node/bin/node`)

        const { status, stderr } = launch(home, "up")

        assert.strictEqual(status, 2)
        assert.include(stderr, "needs Node 22.19")
      }))
  })
})
