/**
 * The walls between contexts: which concept may know of which, on every floor.
 *
 *   kit       would be useful without ServiceRadar; knows nothing below this line
 *   shared    what several programs mean by the same word
 *   drivers   how the outside is reached; on the layers floor, `telemetry` also as contracts
 *   programs  never know one another
 *   composed  `up` and `cli` put programs together
 *
 * Within a context, `internal/` is for that context alone.
 */
import * as path from "node:path"
import { importsOf, type SourceFile } from "./SourceTree.ts"

const kit = {
  clock: [],
  churn: [],
  sockets: [],
  backoff: [],
  supervision: ["config"],
  pipeline: ["supervision", "clock"],
  jetstream: ["pipeline"],
  breaker: ["clock"],
  config: [],
  grpc: ["sockets"],
  simulation: ["grpc"],
  sql: [],
  resource: ["config", "sql"],
  srql: ["config", "resource", "sql"]
} as const

const allKit = Object.keys(kit)

/** A row names what its context may import besides itself. */
const table: Readonly<Record<string, ReadonlyArray<string>>> = {
  ...kit,

  security: ["config", "grpc", "supervision", "breaker", "process", "files"],
  monitoring: ["config", "security", "grpc"],
  inventory: ["config", "monitoring", "resource", "records", "sql", "postgres"],
  records: ["resource", "sql", "postgres"],
  jsonapi: ["resource", "records", "http"],
  queries: ["srql", "sql", "postgres", "http", "process", "monitoring", "records", "resource", "inventory"],
  events: [
    "config",
    "monitoring",
    "security",
    "supervision",
    "pipeline",
    "breaker",
    "nats",
    "postgres",
    "process",
    "files"
  ],

  plugins: ["process"],
  process: ["config", "monitoring", "supervision"],
  files: ["config", "process"],
  nats: ["config", "events", "security", "supervision", "process", "files"],
  postgres: ["config", "events", "security", "supervision", "process", "files"],
  http: ["config", "supervision", "security", "grpc", "monitoring", "process"],
  telemetry: ["config", "supervision", "monitoring", "events", "security", "nats", "process"],
  terminal: ["config", "supervision", "monitoring", "events", "inventory", "security"],
  command: [
    "config",
    "supervision",
    "monitoring",
    "events",
    "security",
    "grpc",
    "nats",
    "files",
    "process",
    "telemetry",
    "terminal"
  ]
}

/** What every program starts and reports with stands above the events; the other drivers stand below them. */
const belowEvents = ["process", "files", "nats", "postgres", "http", "telemetry", "terminal"]

/** Programs, each with the rooms that are its own on some floor only. */
const households: ReadonlyArray<ReadonlyArray<string>> = [
  ["poller"],
  ["agent", "probes"],
  ["sync", "armis", "netbox"],
  ["event-writer"],
  ["core", "identity", "infrastructure", "alerting", "edge", "jobs", "v1"],
  ["dlq"],
  ["certs"]
]

const composed = ["up", "cli"]

/** For everybody. */
const everywhere = ["clock", "churn", "sockets", "backoff"]

const allowedFor = (context: string): ReadonlyArray<string> | undefined => {
  if (composed.includes(context)) return [...Object.keys(table), ...composed, ...households.flat()]
  const household = households.find((members) => members.includes(context))
  return household === undefined ? table[context] : [...Object.keys(table), ...household]
}

/** Drivers reach shared contexts by their contracts; how those are kept is none of their business. */
const isOutOfReach = (context: string, target: string, floor: string): boolean =>
  belowEvents.includes(context) && floor === "layers" && target === "events"

const partsOf = (file: string) => {
  const [, floor = "", context = ""] = file.split("/")
  return { floor, context }
}

const violation = (file: SourceFile, specifier: string): string | undefined => {
  if (!specifier.startsWith(".")) return undefined
  const from = partsOf(file.path)
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file.path), specifier))
  const to = partsOf(target)
  if (to.floor === "gen" || to.context === from.context) return undefined
  const allowed = allowedFor(from.context)
  if (allowed === undefined) {
    return `${file.path}: the context ${from.context} has no row in test/architecture/Contexts.ts`
  }
  if (target.includes("/internal/")) return `${file.path}: ${specifier} is internal to ${to.context}`
  if (![...allowed, ...everywhere].includes(to.context)) {
    return `${file.path}: ${from.context} must not know of ${to.context} (${specifier})`
  }
  return isOutOfReach(from.context, to.context, to.floor)
    ? `${file.path}: ${from.context} knows ${to.context} by its contracts only, not ${specifier}`
    : undefined
}

/** One line for each import that goes through a wall. */
export const breaches = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> =>
  files
    .filter((file) => !file.path.startsWith("src/gen/"))
    .flatMap((file) => importsOf(file).flatMap((specifier) => violation(file, specifier) ?? []))

/** Pairs of kit contexts that know each other, and kit contexts that know of more than the kit. */
export const kitFaults = (): ReadonlyArray<string> =>
  Object.entries<ReadonlyArray<string>>(kit).flatMap(([context, targets]) =>
    targets.flatMap((target) => {
      if (!allKit.includes(target)) return [`${context} knows of ${target}, which is not of the kit`]
      return (table[target] ?? []).includes(context) ? [`${context} and ${target} know each other`] : []
    })
  )

/** A folder with more files beside its sub-folders has sub-concepts that want names. */
const folderFilesMax = 20

export const crowdedFolders = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const file of files) {
    const folder = path.posix.dirname(file.path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts].filter(([, count]) => count > folderFilesMax).map(([folder, count]) => `${folder}: ${count} files`)
}
