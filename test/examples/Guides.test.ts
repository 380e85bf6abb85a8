/** The TypeScript of the guides that is no part of an example: it compiles as a user would write it, and what runs, runs. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { entries } from "../../scripts/packages/Library.ts"

const root = path.join(import.meta.dirname, "../..")

/** The code that a reader generates from his own proto files. */
const generated = {
  "gen/echo.ts": `
interface Said { readonly text: string }
const write = ({ text }: Said): Buffer => Buffer.from(text)
const read = (bytes: Buffer): Said => ({ text: bytes.toString() })
export const EchoService = {
  say: {
    path: "/echo.Echo/Say" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: write,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: read
  }
}
`
}

/** What the text around a snippet takes for given. */
const given: Readonly<Record<string, string>> = {
  "docs/grpc.md 2": `
import { Effect, Schedule } from "effect"
import { type ClientInterceptor, GrpcError, GrpcInterceptor, type ServerInterceptor } from "serviceradar-effect/grpc"
declare const isFriend: (certificate: unknown) => boolean
const token = "secret"
const policy = { times: 3, schedule: Schedule.spaced("1 second") }
export { onlyFriends, retrying, withToken }
`
}

/** How the result of a snippet is shown. */
const shown: Readonly<Record<string, string>> = {
  "docs/grpc.md 1": "console.log(JSON.stringify(await Effect.runPromise(program)))",
  "docs/breaker.md 1": `
const call = (host: string) => Effect.exit(guarded(host, Effect.fail("refused" as const)))
const states = Effect.forEach([1, 2, 3], () => Effect.map(call("a"), (exit) => exit.toString().includes("CircuitBreakerError")))
console.log(JSON.stringify(await Effect.runPromise(Effect.provide(states, live))))
`,
  "README.md 1": "export { program }"
}

const guides = ["docs/grpc.md", "docs/breaker.md", "README.md", "packages/library/README.md"]

const fileOf = (name: string) => `${name.replaceAll(/[^\w]+/g, "-")}.ts`

const snippets = guides.flatMap((guide) =>
  [...fs.readFileSync(path.join(root, guide), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""], index) => {
    const name = `${guide} ${index + 1}`
    return { name, code: `${given[name] ?? ""}${code}${shown[name] ?? ""}\n` }
  })
)

/** As if the library were installed: its entries are where they stand in the sources. */
const linked = (code: string): string =>
  code.replaceAll(
    /"serviceradar-effect\/([\w/]+)"/g,
    (whole, entry: string) =>
      entries[entry] === undefined ? whole : JSON.stringify(path.join(root, "src", `${entries[entry]}.ts`))
  )

describe("guides", () => {
  let folder = ""

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "guides-"))
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"))
    fs.writeFileSync(path.join(folder, "package.json"), "{ \"type\": \"module\" }")
    fs.mkdirSync(path.join(folder, "gen"))
    for (const [name, code] of Object.entries(generated)) fs.writeFileSync(path.join(folder, name), code)
    for (const { code, name } of snippets) fs.writeFileSync(path.join(folder, fileOf(name)), linked(code))
    const config = JSON.parse(fs.readFileSync(path.join(root, "tsconfig.json"), "utf8"))
    const { plugins: _, ...compilerOptions } = config.compilerOptions
    const typeRoots = [path.join(root, "node_modules/@types")]
    fs.writeFileSync(
      path.join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { ...compilerOptions, typeRoots, declaration: false, rewriteRelativeImportExtensions: false },
        include: ["*.ts"]
      })
    )
  })

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

  const run = (...args: ReadonlyArray<string>) =>
    promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 60_000 }).then(
      ({ stdout }) => stdout.trimEnd(),
      (error: { readonly stdout?: string; readonly stderr?: string }) => `${error.stdout ?? ""}${error.stderr ?? ""}`
    )

  it("have TypeScript that compiles with the library's types", async () => {
    assert.isAtLeast(snippets.length, 5)

    assert.strictEqual(await run(path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder), "")
  })

  it.each([
    ["docs/grpc.md 1", "{\"text\":\"hello\"}"],
    ["docs/breaker.md 1", "[false,false,true]"]
  ])("%s does what its text says", async (name, output) => {
    assert.strictEqual(await run(path.join(folder, fileOf(name))), output)
  })
})
