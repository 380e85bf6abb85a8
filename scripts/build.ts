/**
 * Makes `dist`, or the folder that is named, for publishing: the command as a bundle with what it takes from other
 * packages.
 *
 *   node scripts/build.ts [folder]
 *
 * Node keeps the text of every module that it has loaded, and most of that text is comments: the bundle starts sooner and
 * needs some 40 MB less. Names and line breaks stay, so that a stack trace can be read.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "rolldown"
import * as PasswordLibrary from "../src/layers/identity/passwords/library.ts"
import { houseFile } from "../src/layers/plugins/house/houseCode.ts"
import { threadFile } from "../src/layers/poller/replies/threadCode.ts"
import * as SqlFiles from "../src/layers/postgres/migrations/SqlFiles.ts"
import { spawnFile } from "../src/layers/process/spawn/spawnCode.ts"
import * as Licences from "./packages/Licences.ts"

const root = path.join(import.meta.dirname, "..")

/** Their text goes into the bundle, which is far from the folders that they are read from otherwise. */
const sqlFiles = {
  name: "sql-files",
  load: (id: string) =>
    id.endsWith("/migrations/files.ts")
      ? `export const files = ${JSON.stringify(SqlFiles.read(path.dirname(id)))}`
      : null
}

/** So does that of the library which a thread of its own evaluates. */
const threadLibrary = {
  name: "thread-library",
  load: (id: string) =>
    id.endsWith("/passwords/library.ts")
      ? `export const library = () => ${JSON.stringify(PasswordLibrary.library())}`
      : null
}

const textOf = async (input: URL): Promise<string> => {
  const { output: [{ code }] } = await build({
    cwd: root,
    input: fileURLToPath(input),
    platform: "node",
    logLevel: "warn",
    write: false,
    output: { format: "cjs", comments: false }
  })
  return JSON.stringify(code)
}

/** The code of a thread or a process of our own is a bundle in the bundle. */
const innerBundles = {
  name: "inner-bundles",
  load: async (id: string) => {
    if (id.endsWith("/replies/threadCode.ts")) {
      return `export const threadCode = () => ({ code: ${await textOf(threadFile)}, isText: true })`
    }
    if (id.endsWith("/process/spawn/spawnCode.ts")) {
      return `export const spawnCode = () => ({ code: ${await textOf(spawnFile)}, isText: true })`
    }
    return id.endsWith("/plugins/house/houseCode.ts")
      ? `export const houseCode = () => ({ code: ${await textOf(houseFile)}, isText: true })`
      : null
  }
}

/** What grpc-js loads for services that nobody here asks for: half a megabyte of text that would be read by every program. */
const neverLoaded = ["@grpc/proto-loader"]

/** Answers with the files that it is made of. */
const bundle = async (folder: string): Promise<ReadonlyArray<string>> => {
  const { output } = await build({
    cwd: root,
    input: path.join(root, "src", "programs", "cli", "main.ts"),
    platform: "node",
    logLevel: "warn",
    plugins: [sqlFiles, threadLibrary, innerBundles],
    external: neverLoaded,
    output: { dir: folder, format: "esm", comments: false }
  })
  return [
    PasswordLibrary.libraryFile(),
    ...output.flatMap((file) => file.type === "chunk" ? file.moduleIds : [])
  ]
}

/** Empties the folder first, if something in it says that it was built. */
export const buildCommand = async (folder: string): Promise<void> => {
  const licencesFile = path.join(folder, "LICENSES.txt")
  if (fs.existsSync(folder) && !fs.existsSync(licencesFile)) {
    throw new Error(`${folder} would be emptied, but nothing in it says that it was built: name another folder`)
  }
  fs.rmSync(folder, { recursive: true, force: true })
  const files = await bundle(path.join(folder, "programs", "cli"))
  fs.writeFileSync(licencesFile, `${Licences.of(files)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const named = process.argv[2]
  const folder = path.join(root, "dist")
  if (named === undefined) fs.rmSync(folder, { recursive: true, force: true })
  await buildCommand(named === undefined ? folder : path.resolve(named))
}
