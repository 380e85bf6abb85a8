/** What `npm run bench` says of its benchmarks and their options, without running any. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

const folder = path.join(import.meta.dirname, "../../bench")
const names = fs.readdirSync(folder).filter((file) => /^[a-z].*\.ts$/.test(file) && file !== "run.ts").map((file) =>
  file.slice(0, -3)
)

const bench = (...words: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [path.join(folder, "run.ts"), ...words], {
    encoding: "utf8",
    timeout: 30_000
  })
  return { status, stderr, stdout }
}

/** Those that its files read, and those of the folder that only it has. */
const readBy = (name: string): ReadonlyArray<string> => {
  const own = path.join(folder, name.replace(/-(.)/, (_, letter: string) => letter.toUpperCase()))
  const files = fs.existsSync(own) ? fs.readdirSync(own).map((file) => path.join(own, file)) : []
  const texts = [path.join(folder, `${name}.ts`), ...files].map((file) => fs.readFileSync(file, "utf8"))
  const pattern = /(?:options\.(?:get|has)\(|numberOption\(\w+, |\bnumber\()"([a-z-]+)"/g
  return texts.flatMap((text) => Array.from(text.matchAll(pattern), ([, option = ""]) => option))
}

describe("npm run bench", () => {
  it("lists the benchmarks", () => {
    const { status, stdout } = bench("--help")
    assert.strictEqual(status, 0)
    for (const name of names) assert.include(stdout, name)
    assert.strictEqual(bench().status, 2)
    assert.strictEqual(bench("banana").status, 2)
  })

  it("says what a benchmark measures and which options it has", () => {
    const { status, stdout } = bench("agent", "--help")
    assert.strictEqual(status, 0)
    assert.match(stdout, /^An agent between pollers/)
    assert.include(stdout, "--steady-rate 1600")
  })

  it("refuses an option that a benchmark has not, and says which it has", () => {
    const { status, stderr, stdout } = bench("sync", "--device", "10")
    assert.strictEqual(status, 2)
    assert.strictEqual(stdout, "")
    assert.match(stderr, /has no option --device\n[^]*--devices 100000/)
  })

  for (const name of names) {
    it(`knows every option that ${name} reads`, () => {
      const head = fs.readFileSync(path.join(folder, `${name}.ts`), "utf8").split("*/", 1)[0] ?? ""
      for (const option of readBy(name)) assert.match(head, new RegExp(`--${option}(?![a-z-])`))
    })
  }
})
