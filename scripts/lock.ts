/**
 * Completes package-lock.json with optional platform packages that a partial registry mirror does not hold.
 *
 * npm leaves such packages out of the lock file, and `npm ci` then refuses it on every machine. An entry with version,
 * os and cpu is enough: npm skips it elsewhere, and resolves it by version on its own platform. Run it after every
 * `npm install` that changed the lock file.
 */
import * as fs from "node:fs"

interface Entry {
  version?: string
  optional?: boolean
  dev?: boolean
  os?: ReadonlyArray<string>
  cpu?: ReadonlyArray<string>
  optionalDependencies?: Readonly<Record<string, string>>
}

const platforms: ReadonlyArray<readonly [RegExp, string]> = [
  [/android/, "android"],
  [/darwin/, "darwin"],
  [/freebsd/, "freebsd"],
  [/openharmony/, "openharmony"],
  [/win32|windows/, "win32"],
  [/linux/, "linux"]
]

const processors: ReadonlyArray<readonly [RegExp, string]> = [
  [/arm64|aarch64/, "arm64"],
  [/arm/, "arm"],
  [/x64/, "x64"],
  [/ia32/, "ia32"],
  [/ppc64/, "ppc64"],
  [/riscv64/, "riscv64"],
  [/s390x/, "s390x"],
  [/loong64/, "loong64"]
]

const find = (table: ReadonlyArray<readonly [RegExp, string]>, name: string): string | undefined =>
  table.find(([pattern]) => pattern.test(name))?.[1]

const lock: { packages: Record<string, Entry> } = JSON.parse(fs.readFileSync("package-lock.json", "utf8"))
const added: Array<string> = []
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    const os = find(platforms, name)
    const cpu = find(processors, name)
    if (lock.packages[key] !== undefined || os === undefined || cpu === undefined) continue
    const dev = entry.dev === true ? { dev: true } : {}
    lock.packages[key] = { version: version.replace(/^[^\d]*/, ""), ...dev, optional: true, os: [os], cpu: [cpu] }
    added.push(name)
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([left], [right]) => left < right ? -1 : left > right ? 1 : 0)
)
fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n")
console.log(`${added.length} platform packages added to package-lock.json`)
