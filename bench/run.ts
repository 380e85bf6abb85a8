/**
 * Runs one benchmark: `npm run bench -- NAME [--option value]`. Prints a table for people, then one JSON line, last,
 * for machines. A benchmark is a module of this folder with `run`, which gets the options and answers both.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { print, type Row } from "./Table.ts"

interface Benchmark {
  readonly run: (
    options: ReadonlyMap<string, string>
  ) => Promise<{ readonly rows: ReadonlyArray<Row>; readonly result: object }>
}

const isBenchmark = (module: unknown): module is Benchmark =>
  typeof module === "object" && module !== null && "run" in module && typeof module.run === "function"

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && /^[a-z]/.test(file) && file !== "run.ts")
  .map((file) => file.slice(0, -3))

const optionsOf = (tokens: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const options = new Map<string, string>()
  tokens.forEach((token, index) => {
    if (!token.startsWith("--")) return
    const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(token) ?? []
    const next = tokens[index + 1]
    options.set(name, value ?? (next === undefined || next.startsWith("--") ? "true" : next))
  })
  return options
}

const { positionals: [name = ""], tokens } = parseArgs({ allowPositionals: true, strict: false, tokens: true })
const path = join(import.meta.dirname, `${name}.ts`)
if (tokens.length === 0 || !names.includes(name) || !existsSync(path)) {
  console.error(`Usage: npm run bench -- NAME [--option value]\nBenchmarks: ${names.join(", ")}`)
  process.exitCode = 2
} else if (globalThis.gc === undefined) {
  // Heap sizes mean something only after a collection, which a script may ask for only with this flag.
  const again = [...process.execArgv, "--expose-gc", import.meta.filename, ...process.argv.slice(2)]
  process.exitCode = spawnSync(process.execPath, again, { stdio: "inherit" }).status ?? 1
} else {
  const module: unknown = await import(pathToFileURL(path).href)
  if (!isBenchmark(module)) throw new Error(`${path} exports no run`)
  const { rows, result } = await module.run(optionsOf(process.argv.slice(2)))
  print(rows)
  console.log(JSON.stringify({ bench: name, ...result }))
}
