/** The types of sources: a new one is its module and a line here. */
import { Effect, type Scope } from "effect"
import type { SourceConfig, SyncConfig } from "../../domain/sync/SyncConfig.ts"
import type { DeviceSource } from "../../services/sync/DeviceSource.ts"
import type { RunnableSource } from "../../services/sync/SourceRun.ts"
import * as ArmisSource from "../armis/ArmisSource.ts"
import * as NetBoxSource from "../netbox/NetBoxSource.ts"
import * as FileSource from "./sources/FileSource.ts"

type MakeSource = (config: SourceConfig) => Effect.Effect<DeviceSource, never, Scope.Scope>

const table: Readonly<Record<string, MakeSource>> = {
  armis: ArmisSource.make,
  netbox: NetBoxSource.make,
  file: FileSource.make
}

export const knownTypes: ReadonlyArray<string> = Object.keys(table)

export interface ConfiguredSource {
  readonly config: SourceConfig
  readonly runnable: RunnableSource
}

const runnableOf = (config: SourceConfig, source: DeviceSource): RunnableSource => ({
  source,
  guard: config.guard,
  context: {
    name: config.name,
    kind: source.kind,
    endpoint: config.endpoint,
    agentId: config.agentId,
    pollerId: config.pollerId,
    partition: config.partition,
    queries: source.queries
  }
})

/** All sources whose type is known, in order of precedence. */
export const make = Effect.fnUntraced(function*(config: SyncConfig) {
  const sources: Array<ConfiguredSource> = []
  for (const one of config.sources) {
    const makeSource = table[one.type]
    if (makeSource === undefined) continue
    sources.push({ config: one, runnable: runnableOf(one, yield* makeSource(one)) })
  }
  return sources
})
