/** The types of sources: a new one is its module and a line here. */
import { Effect, type Scope } from "effect"
import * as SecretText from "../../domain/config/SecretText.ts"
import * as SyncConfig from "../../domain/sync/SyncConfig.ts"
import type { SourceConfig } from "../../domain/sync/SyncConfig.ts"
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

/** What the answer to it may not have is not gone. */
const questionOf = ({ prefixes, queries, virtualMachines }: SourceConfig): string =>
  JSON.stringify([queries.map(({ query }) => query), virtualMachines, prefixes])

const runnableOf = (config: SourceConfig, source: DeviceSource, isIdentified: boolean): RunnableSource => ({
  source,
  guard: config.guard,
  context: {
    name: config.name,
    kind: source.kind,
    endpoint: SecretText.inAddress(config.endpoint),
    agentId: config.agentId,
    pollerId: config.pollerId,
    partition: config.partition,
    queries: source.queries,
    question: questionOf(config),
    isIdentified
  }
})

/** All sources whose type is known, in order of precedence. */
export const make = Effect.fnUntraced(function*(config: SyncConfig.SyncConfig) {
  const sources: Array<ConfiguredSource> = []
  const isIdentified = SyncConfig.needsIdentifiers(config)
  for (const one of config.sources) {
    const makeSource = table[one.type]
    if (makeSource === undefined) continue
    sources.push({ config: one, runnable: runnableOf(one, yield* makeSource(one), isIdentified) })
  }
  return sources
})
