/**
 * Runs one benchmark: `npm run bench -- NAME [--option value]`. Prints a table for people, then one JSON line, last,
 * for machines. A benchmark is a module of this folder with `run`, which gets the options and answers both; `--help` says
 * what it measures and which options it has.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Options from "./Options.ts"
import { print, type Row } from "./Table.ts"

interface Benchmark {
  readonly run: (options: Options.Options) => Promise<{ readonly rows: ReadonlyArray<Row>; readonly result: object }>
}

const isBenchmark = (module: unknown): module is Benchmark =>
  typeof module === "object" && module !== null && "run" in module && typeof module.run === "function"

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && /^[a-z]/.test(file) && file !== "run.ts")
  .map((file) => file.slice(0, -3))

const usage = `Usage: npm run bench -- NAME [--option value]
       npm run bench -- NAME --help
Benchmarks: ${names.join(", ")}`

const refuse = (text: string): void => {
  console.error(text)
  process.exitCode = 2
}

/** What a benchmark has started ends with it, also where it does not look after signals itself. */
const heedSignals = (): void => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    process.once(signal, () => {
      if (process.listenerCount(signal) === 0) process.exit(code)
    })
  }
}

const start = async (name: string, path: string, options: Options.Options): Promise<void> => {
  heedSignals()
  const module: unknown = await import(pathToFileURL(path).href)
  if (!isBenchmark(module)) throw new Error(`${path} exports no run`)
  const { rows, result } = await module.run(options)
  print(rows)
  console.log(JSON.stringify({ bench: name, ...result }))
}

const [name = "", ...words] = process.argv.slice(2)
const options = Options.parse(words)
const path = join(import.meta.dirname, `${name}.ts`)
if (name === "--help") console.log(usage)
else if (!names.includes(name)) refuse(usage)
else {
  const head = Options.headOf(readFileSync(path, "utf8"))
  const [unknown] = Options.unknown(options, head)
  if (options.has("help")) console.log(head)
  else if (unknown !== undefined) refuse(`The benchmark ${name} has no option --${unknown}\n\n${head}`)
  // Heap sizes mean something only after a collection, which a script may ask for only with this flag.
  else if (globalThis.gc === undefined) refuse("It needs node --expose-gc, as npm run bench starts it")
  else await start(name, path, options)
}
