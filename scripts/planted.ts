/**
 * Plants faults in the programs, one at a time, and shows that the simulation finds each: `npm run simulate:planted`.
 *
 *   --seeds N   how many seeds each may take; default 200
 *   --only TEXT those whose name contains it
 *   --help      this
 *
 * Works on a copy in a temporary folder. A seed that breaks something without the fault, too, has not found it. The last line is
 * one JSON object: planted, found, and the seed of each. Exits with 1 when a fault can no longer be planted because the code has
 * changed, or when more than a tenth is not found, and with 2 when it was asked for wrongly.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { planted } from "./faults/planted.ts"
import * as Asked from "./options/Asked.ts"

Asked.help(import.meta.filename)

const { values } = Asked.read(() =>
  parseArgs({ options: { seeds: { type: "string", default: "200" }, only: { type: "string", default: "" } } })
)

const root = path.resolve(import.meta.dirname, "..")
const copy = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-planted-"))
const chosen = planted.filter(({ fault }) => fault.includes(values.only))
if (chosen.length === 0) {
  Asked.refuse(
    "only",
    values.only,
    `a part of one of: ${planted.map(({ fault }) => fault).join("; ")}`
  )
}
const seeds: Record<string, string> = {}
const unplantable: Array<string> = []
const seedsMax = Asked.number("seeds", values.seeds, 1)

const world = "--hours 0.17 --agents 4 --checks 2 --messages 5 --devices 60 --profile hostile --until-first".split(" ")

interface Broken {
  readonly seed: number
  readonly what: string
}

/** The first seed that breaks something, and what; undefined when none does. */
const firstBroken = (seed: number, seeds: number): Broken | undefined => {
  const { stdout } = spawnSync(process.execPath, [
    path.join(copy, "scripts/simulate.ts"),
    ...world,
    "--seed",
    `${seed}`,
    "--seeds",
    `${seeds}`
  ], { cwd: copy, encoding: "utf8", timeout: 1_200_000 })
  const line = /^seed (\d+): (?!\d+ events)(.*)$/m.exec(stdout)
  return line === null ? undefined : { seed: Number(line[1]), what: line[2] ?? "" }
}

/** The first of the seeds that is green without the fault, which `plant` brings in and `remove` takes out again. */
const firstFound = (plant: () => void, remove: () => void): Broken | "none" | "without it" => {
  let answer: "none" | "without it" = "none"
  for (let seed = 1; seed <= seedsMax;) {
    plant()
    const broken = firstBroken(seed, seedsMax - seed + 1)
    remove()
    if (broken === undefined) return answer
    if (firstBroken(broken.seed, 1) === undefined) return broken
    answer = "without it"
    seed = broken.seed + 1
  }
  return answer
}

try {
  for (const name of ["src", "test", "scripts", "package.json"]) {
    fs.cpSync(path.join(root, name), path.join(copy, name), { recursive: true })
  }
  fs.symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"))
  for (const { fault, file, from, to } of chosen) {
    const target = path.join(copy, file)
    const text = fs.existsSync(target) ? fs.readFileSync(target, "utf8") : ""
    if (text.split(from).length !== 2) {
      unplantable.push(fault)
      console.log(`NOT PLANTED: ${fault}`)
      continue
    }
    const found = firstFound(
      () => fs.writeFileSync(target, text.replace(from, () => to)),
      () => fs.writeFileSync(target, text)
    )
    if (typeof found === "string") {
      console.log(`${found === "none" ? "NOT FOUND" : "BROKEN WITHOUT IT"}: ${fault}`)
      continue
    }
    seeds[fault] = `${found.seed}: ${found.what}`
    console.log(`found: ${fault}, by seed ${found.seed}: ${found.what}`)
  }
} finally {
  fs.rmSync(copy, { recursive: true, force: true })
}

const count = Object.keys(seeds).length
console.log(JSON.stringify({ planted: chosen.length, found: count, seeds }))
process.exitCode = unplantable.length === 0 && count >= 0.9 * chosen.length ? 0 : 1
