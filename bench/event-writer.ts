/**
 * The event writer from JetStream into PostgreSQL: the real program, a nats-server and a PostgreSQL of its own, both on
 * disk, and a publisher, each a process.
 *
 *   npm run bench -- event-writer [--scenario rate,drain,drain-telemetry,redelivery,memory,writers,poison,outage]
 *     [--messages 400000] [--memory-messages 2000000] [--rate 7610] [--seconds 60] [--minutes 5]
 *     [--sources] [--profile FOLDER] [--env NAME=VALUE,NAME=VALUE] [--node=--FLAG,--FLAG] [--log FILE]
 *   npm run bench -- event-writer --against CHECKOUT [--rounds 3] [--mix mixed|telemetry] [--messages 400000]
 *
 * `--against` drains the same backlog with this program and with that of another checkout, in turns. With `--profile` the writer runs under V8's profiler, which costs it a tenth or so.
 */
import * as path from "node:path"
import * as Against from "./eventWriter/Against.ts"
import * as Bench from "./eventWriter/Bench.ts"
import { makeFolder, type Measured, scenarios } from "./eventWriter/Scenarios.ts"
import * as Servers from "./eventWriter/Servers.ts"
import * as Published from "./processes/Published.ts"
import type { Row } from "./Table.ts"

const profileOf = (options: ReadonlyMap<string, string>): string | undefined => {
  const wanted = options.get("profile")
  return wanted === undefined ? undefined : path.resolve(wanted === "true" ? "profiles" : wanted)
}

const envOf = (options: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    (options.get("env") ?? "").split(",").filter((pair) => pair.includes("=")).map((pair) => {
      const at = pair.indexOf("=")
      return [pair.slice(0, at), pair.slice(at + 1)]
    })
  )

const nodeOf = (options: ReadonlyMap<string, string>): ReadonlyArray<string> =>
  (options.get("node") ?? "").split(",").filter((flag) => flag !== "")

const chosen = (options: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const wanted = (options.get("scenario") ?? "all").split(",")
  const names = wanted.includes("all") ? Object.keys(scenarios) : wanted
  const unknown = names.filter((name) => scenarios[name] === undefined)
  if (unknown.length > 0) throw new Error(`No scenario ${unknown.join(", ")}: ${Object.keys(scenarios).join(", ")}`)
  return names
}

export const run = async (options: ReadonlyMap<string, string>): Promise<Measured> => {
  const against = options.get("against")
  if (against !== undefined) return Against.run(path.resolve(against), options)
  const names = chosen(options)
  const profile = profileOf(options)
  if (profile !== undefined) await makeFolder(profile)
  const servers = await Servers.start()
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void servers.close().then(() => process.exit(130)))
  }
  try {
    const program = options.has("sources") ? Published.sources : Published.build(servers.folder)
    const context: Bench.Context = {
      servers,
      options,
      writer: { program, profile: undefined, env: envOf(options), node: nodeOf(options) }
    }
    await Bench.prepare(context)
    const rows: Array<Row> = []
    const result: Record<string, object> = {}
    for (const name of names) {
      Bench.say(name)
      const measured = await scenarios[name]?.({ ...context, writer: { ...context.writer, profile } })
      if (measured === undefined) continue
      rows.push(...measured.rows)
      result[name] = measured.result
    }
    return { rows, result: { natsServer: servers.natsVersion, ...result } }
  } finally {
    await servers.close()
  }
}
