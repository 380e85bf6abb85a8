/**
 * Writes both packages as tarballs, as they are published.
 *
 *   npm run pack:all -- DIR     serviceradar-effect-VERSION.tgz (library), serviceradar-VERSION.tgz (command)
 *
 * Both take their version from the root's `package.json`.
 */
import { Schema } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { buildCommand } from "./build.ts"
import * as Library from "./packages/Library.ts"

const { root } = Library

const Manifest = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decode = Schema.decodeUnknownSync(Manifest)
const readManifest = (file: string) => decode(fs.readFileSync(path.join(root, file), "utf8"))

const writeManifest = (folder: string, of: "library" | "command", more: Readonly<Record<string, unknown>>): void => {
  const { version } = readManifest("package.json")
  const { name, ...rest } = readManifest(`packages/${of}/package.json`)
  fs.writeFileSync(
    path.join(folder, "package.json"),
    `${JSON.stringify({ name, version, ...rest, ...more }, null, 2)}\n`
  )
  for (const file of ["LICENSE", "CHANGELOG.md"]) fs.copyFileSync(path.join(root, file), path.join(folder, file))
}

const stageLibrary = async (folder: string): Promise<void> => {
  await Library.build(folder)
  writeManifest(folder, "library", {})
}

const stageCommand = async (folder: string): Promise<void> => {
  await buildCommand(path.join(folder, "dist"))
  for (const name of ["bin", "proto"]) fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  fs.copyFileSync(path.join(root, "packages/command/README.md"), path.join(folder, "README.md"))
  // Its binaries are found at run time; all else is in the bundle.
  writeManifest(folder, "command", { optionalDependencies: readManifest("package.json")["optionalDependencies"] })
}

const pack = (folder: string, into: string): string => {
  const { error, status, stderr, stdout } = spawnSync("npm", ["pack", "--silent", "--pack-destination", into], {
    cwd: folder,
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(error?.message ?? `npm pack failed: ${stderr}`)
  return path.join(into, stdout.trim().split("\n").at(-1) ?? "")
}

/** Answers with the two files. */
export const packAll = async (into: string): Promise<{ readonly library: string; readonly command: string }> => {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-pack-"))
  try {
    fs.mkdirSync(into, { recursive: true })
    const folders = { library: path.join(staging, "library"), command: path.join(staging, "command") }
    fs.mkdirSync(folders.library)
    fs.mkdirSync(folders.command)
    await stageLibrary(folders.library)
    await stageCommand(folders.command)
    return { library: pack(folders.library, into), command: pack(folders.command, into) }
  } finally {
    fs.rmSync(staging, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const into = process.argv[2]
  if (into === undefined) {
    console.error("Which folder? npm run pack:all -- DIR")
    process.exitCode = 2
  } else {
    const { command, library } = await packAll(path.resolve(into))
    console.log(`${library}\n${command}`)
  }
}
