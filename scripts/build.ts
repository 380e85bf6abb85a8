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

const PackageJson = Schema.fromJsonString(
  Schema.Struct({ name: Schema.String, version: Schema.String, license: Schema.String })
)
const decodePackage = Schema.decodeUnknownSync(PackageJson)

/** The licences ask to go with every copy. */
const licences = (files: ReadonlyArray<string>): string => {
  const packages = new Set(files.flatMap((file) => inPackage.exec(file.replaceAll("\\", "/"))?.[0] ?? []))
  return [...packages].sort().map((folder) => {
    const { license, name, version } = decodePackage(
      fs.readFileSync(path.join(folder, "package.json"), "utf8")
    )
    const texts = fs.readdirSync(folder).filter((file) => /^(licen[sc]e|notice|copying)/i.test(file))
    return [`${name} ${version}, ${license}`, ...texts.map((file) => fs.readFileSync(path.join(folder, file), "utf8"))]
  }).map((parts) => parts.map((part) => part.trim()).join("\n\n")).join(`\n\n${"-".repeat(80)}\n\n`)
}

const folder = path.resolve(process.argv[2] ?? path.join(root, "dist"))
const command = path.join(folder, "programs", "cli")
fs.rmSync(folder, { recursive: true, force: true })
compile(folder)
fs.rmSync(command, { recursive: true })
fs.writeFileSync(path.join(folder, "LICENSES.txt"), `${licences(await bundle(command))}\n`)
