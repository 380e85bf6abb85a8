/** A sync service in parts, over a spool in a temporary folder: what its tests drive by hand. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option, References, Schema, Stream } from "effect"
import * as SyncConfig from "../../src/domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../src/domain/sync/SyncConfigFile.ts"
import * as CatalogToldAgents from "../../src/layers/sync/CatalogToldAgents.ts"
import * as FileResultsStore from "../../src/layers/sync/FileResultsStore.ts"
import type * as SourceTable from "../../src/layers/sync/SourceTable.ts"
import * as SqliteSpool from "../../src/layers/sync/SqliteSpool.ts"
import * as Aggregator from "../../src/services/sync/Aggregator.ts"
import { ResultsStore } from "../../src/services/sync/ResultsStore.ts"
import * as SourceRun from "../../src/services/sync/SourceRun.ts"
import { SyncProgress } from "../../src/services/sync/SyncProgress.ts"
import * as SyncStatus from "../../src/services/sync/SyncStatus.ts"

const decodeFile = Schema.decodeUnknownSync(SyncConfigFile)

export const configOf = (folder: string, file: Readonly<Record<string, unknown>>): SyncConfig.SyncConfig =>
  SyncConfig.fromFile(decodeFile({ listen_addr: "127.0.0.1:0", spool_dir: folder, agent_id: "agent-a", ...file }))

export const armis = (url: string, change: Readonly<Record<string, unknown>> = {}) => ({
  type: "armis",
  endpoint: url,
  credentials: { secret_key: "s3cr3t & more", page_size: "100" },
  queries: [{ label: "all_devices", query: "in:devices orderBy=id", sweep_modes: ["icmp"] }],
  request_timeout: "500ms",
  ...change
})

export const netbox = (url: string, change: Readonly<Record<string, unknown>> = {}) => ({
  type: "netbox",
  endpoint: url,
  agent_id: "agent-nb",
  credentials: { api_token: "t0k3n", page_size: "100" },
  request_timeout: "500ms",
  ...change
})

export const layer = (config: SyncConfig.SyncConfig) =>
  Layer.mergeAll(FileResultsStore.layer, CatalogToldAgents.layer).pipe(
    Layer.provideMerge(
      SqliteSpool.layer({ folder: config.spoolFolder, isIdentified: SyncConfig.needsIdentifiers(config) })
    ),
    Layer.provideMerge(SyncProgress.layer),
    Layer.provideMerge(NodeServices.layer),
    // What is told is asked of the status; many runs at once would only fill the screen.
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

export const aggregate = (sources: ReadonlyArray<SourceTable.ConfiguredSource>) =>
  Aggregator.aggregate(
    sources.map(({ config: { blacklist, blacklisted, name } }) => ({ name, blacklist, blacklisted }))
  )

/** Every source once, in parallel, and then the served set. */
export const cycle = Effect.fnUntraced(function*(sources: ReadonlyArray<SourceTable.ConfiguredSource>) {
  const results = yield* Effect.forEach(sources, ({ runnable }) => SourceRun.run(runnable), {
    concurrency: "unbounded"
  })
  yield* aggregate(sources)
  return results
})

const Element = Schema.Struct({
  ip: Schema.String,
  hostname: Schema.String,
  source: Schema.String,
  timestamp: Schema.String,
  mac: Schema.optionalKey(Schema.String),
  metadata: Schema.Record(Schema.String, Schema.String)
})
export type Element = typeof Element.Type

const decodeElements = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Element)))

/** What is served: every chunk is a JSON array. */
export const served = Effect.scoped(Effect.gen(function*() {
  const store = yield* ResultsStore
  const open = yield* store.open
  if (Option.isNone(open)) return []
  const chunks = yield* Effect.forEach(open.value.set.chunks.keys(), (index) => open.value.chunk(index))
  return chunks.flatMap((bytes) => decodeElements(new TextDecoder().decode(bytes)))
}))

/** The text of each agent's sweep config. */
export const sweeps = Effect.gen(function*() {
  const store = yield* ResultsStore
  const set = yield* store.current
  const documents = Option.match(set, { onNone: () => [], onSome: (one) => one.sweeps })
  const texts = yield* Effect.forEach(documents, (document) =>
    document.sha256 === ""
      ? Effect.succeed([document.agentId, ""] as const)
      : Effect.map(
        Stream.runCollect(store.sweep(document)),
        (parts) => [document.agentId, Buffer.concat(parts).toString("utf8")] as const
      ))
  return Object.fromEntries(texts)
})

export const status = (config: SyncConfig.SyncConfig) => SyncStatus.read(config.sources.map(({ name }) => name))
