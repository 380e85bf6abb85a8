/**
 * Makes `dist`, or the folder that is named, for publishing: the modules compiled with declarations and source maps, for
 * whoever uses them as a library, and the command as a bundle with what it takes from other packages.
 *
 *   node scripts/build.ts [folder]
 *
 * Node keeps the text of every module that it has loaded, and most of that text is comments: the bundle starts sooner and
 * needs some 40 MB less. Names and line breaks stay, so that a stack trace can be read.
 */
import { Schema } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseSync } from "oxc-parser"
import { build } from "rolldown"

const root = path.join(import.meta.dirname, "..")

const compile = (folder: string): void => {
  const compiler = path.join(root, "node_modules", ".bin", "tsc")
  const { status } = spawnSync(compiler, ["-p", "tsconfig.build.json", "--outDir", folder], {
    cwd: root,
    stdio: "inherit"
  })
  if (status !== 0) process.exit(1)
}

/** Answers with the files that it is made of. */
const bundle = async (folder: string): Promise<ReadonlyArray<string>> => {
  const { output } = await build({
    cwd: root,
    input: path.join(root, "src", "programs", "cli", "main.ts"),
    platform: "node",
    logLevel: "warn",
    output: { dir: folder, format: "esm", comments: false }
  })
  return output.flatMap((file) => file.type === "chunk" ? file.moduleIds : [])
}

const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/

const packageOf = (file: string): string => inPackage.exec(file.replaceAll("\\", "/"))?.[0] ?? ""

const PackageJson = Schema.fromJsonString(
  Schema.Struct({ name: Schema.String, version: Schema.String, license: Schema.String })
)
const decodePackage = Schema.decodeUnknownSync(PackageJson)

/** What a file says of whose it is: parts that came from elsewhere have a licence of their own. */
const notices = (file: string): ReadonlyArray<string> =>
  parseSync(file, fs.readFileSync(file, "utf8")).comments
    .map(({ value }) => value.replaceAll(/^\s*\*? ?/gm, "").trim())
    .filter((comment) => /copyright|licen[sc]e/i.test(comment))

/** The licences ask to go with every copy. */
const licences = (files: ReadonlyArray<string>): string =>
  [...Map.groupBy(files, packageOf)].filter(([folder]) => folder !== "").sort().map(([folder, modules]) => {
    const { license, name, version } = decodePackage(fs.readFileSync(path.join(folder, "package.json"), "utf8"))
    const texts = fs.readdirSync(folder).filter((file) => /^(licen[sc]e|notice|copying)/i.test(file))
      .map((file) => fs.readFileSync(path.join(folder, file), "utf8").trim())
    const found = new Set([...texts, ...modules.flatMap(notices)])
    if (found.size === 0) throw new Error(`${name} may not be bundled: it says nothing of its licence but ${license}`)
    return [`${name} ${version}, ${license}`, ...found].join("\n\n")
  }).join(`\n\n${"-".repeat(80)}\n\n`)

const folder = path.resolve(process.argv[2] ?? path.join(root, "dist"))
const licencesFile = path.join(folder, "LICENSES.txt")
const isOurs = process.argv[2] === undefined || !fs.existsSync(folder) || fs.existsSync(licencesFile)
if (!isOurs) {
  throw new Error(`${folder} would be emptied, but nothing in it says that it was built: name another folder`)
}
fs.rmSync(folder, { recursive: true, force: true })
compile(folder)
// No library needs the programs.
fs.rmSync(path.join(folder, "programs"), { recursive: true })
fs.writeFileSync(licencesFile, `${licences(await bundle(path.join(folder, "programs", "cli")))}\n`)
