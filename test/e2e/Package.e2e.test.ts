/** The package as npm publishes it: built, typed, and run from a folder that has no sources. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const run = (command: string, args: ReadonlyArray<string>, cwd: string) =>
  Effect.promise(() => promisify(execFile)(command, [...args], { cwd })).pipe(
    Effect.map(({ stdout }) => stdout),
    Effect.timeout("90 seconds")
  )

const tsc = path.join(Program.projectRoot, "node_modules/.bin/tsc")

/** What a user's `node_modules/serviceradar-effect` holds. */
const publish = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const installed = path.join(folder, "node_modules/serviceradar-effect")
  yield* run(process.execPath, ["scripts/build.ts", path.join(installed, "dist")], Program.projectRoot)
  yield* Effect.promise(async () => {
    for (const name of ["bin", "package.json", "proto"]) {
      await fs.cp(path.join(Program.projectRoot, name), path.join(installed, name), { recursive: true })
    }
    for (const name of await fs.readdir(path.join(Program.projectRoot, "node_modules"))) {
      if (!name.startsWith(".")) {
        await fs.symlink(path.join(Program.projectRoot, "node_modules", name), path.join(folder, "node_modules", name))
      }
    }
  })
  return { folder, installed }
})

const consumer = `
import { Effect } from "effect"
import * as CircuitBreaker from "serviceradar-effect/breaker"
import * as Grpc from "serviceradar-effect/grpc"
import { Pipeline } from "serviceradar-effect/pipeline"
import { Supervisor, type SupervisorShutdown } from "serviceradar-effect/supervision"

export const program: Effect.Effect<never, SupervisorShutdown<"broken">> = Supervisor.run({
  id: "Consumer",
  strategy: "one_for_one",
  children: [Supervisor.child({ id: "Only", run: Effect.fail("broken" as const) })]
})
console.log(typeof Supervisor.run, typeof CircuitBreaker.make, Object.keys(Grpc).length > 0, Object.keys(Pipeline).length > 0)
`

describe("The published package", () => {
  it.live("runs its command and serves its libraries with types", () =>
    Effect.gen(function*() {
      const { folder, installed } = yield* publish
      yield* Effect.promise(async () => {
        await fs.writeFile(path.join(folder, "consumer.ts"), consumer)
        await fs.writeFile(path.join(folder, "package.json"), JSON.stringify({ type: "module" }))
      })

      const launcher = path.join(installed, "bin/serviceradar.mjs")
      const version = yield* run(process.execPath, [launcher, "--version"], folder)
      const up = yield* Program.start(["up", "--once", "--json", "--dir", path.join(folder, "data")], { launcher })
      yield* Effect.timeout(up.exited, "60 seconds")
      const printed = yield* run(process.execPath, ["consumer.ts"], folder)
      const options = ["--module", "nodenext", "--target", "esnext", "--strict", "--noEmit", "--skipLibCheck"]
      const complaints = yield* run(tsc, [...options, "--types", "node", "consumer.ts"], folder)

      assert.match(version, /^serviceradar v\d+\.\d+\.\d+/)
      assert.include(up.stdout(), "core-grpc", up.output())
      assert.strictEqual(printed.trim(), "function function true true")
      assert.strictEqual(complaints, "")
    }), 180_000)
})
