/** The real `serviceradar event-writer`, as a process: built, as it is published, unless the sources are asked for. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { ChildProgram } from "./ChildProgram.ts"
import type { Servers } from "./Servers.ts"

const root = path.join(import.meta.dirname, "../..")
const launcher = "bin/serviceradar.mjs"

/** Builds the program of a checkout, by default this one, into a folder and answers how to start it. */
export const build = (folder: string, checkout = root): string => {
  const home = path.join(folder, "program")
  const { status } = spawnSync(process.execPath, ["scripts/build.ts", path.join(home, "dist")], {
    cwd: checkout,
    stdio: "inherit"
  })
  if (status !== 0) throw new Error("The program cannot be built; --sources runs it all the same")
  fs.cpSync(path.join(checkout, "bin"), path.join(home, "bin"), { recursive: true })
  fs.cpSync(path.join(checkout, "package.json"), path.join(home, "package.json"))
  fs.symlinkSync(path.join(checkout, "node_modules"), path.join(home, "node_modules"))
  return path.join(home, launcher)
}

export const sources = path.join(root, launcher)

export interface WriterOptions {
  readonly program: string
  /** A folder for CPU profiles. */
  readonly profile: string | undefined
  /** More variables for the writer: `--env EVENT_WRITER_BATCH_SIZE=500,…`. */
  readonly env: Readonly<Record<string, string>>
  /** Flags for the writer's Node: `--node --max-semi-space-size=8,--trace-gc`. */
  readonly node: ReadonlyArray<string>
}

export const start = (servers: Servers, { env, node, profile, program }: WriterOptions): ChildProgram =>
  new ChildProgram(
    [
      ...node,
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`, "--cpu-prof-interval=500"]),
      program,
      "event-writer",
      "--http",
      "off",
      "--log-level",
      "info"
    ],
    {
      EVENT_WRITER_ENABLED: "true",
      EVENT_WRITER_NATS_URL: servers.natsUrl,
      DATABASE_URL: servers.databaseUrl,
      EVENT_WRITER_CREATE_STREAMS: "true",
      EVENT_WRITER_TENANT: "default",
      EVENT_WRITER_LISTEN_ADDR: "127.0.0.1:0",
      ...env
    }
  )
