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

const table = {
  armis: ArmisSource.make,
  netbox: NetBoxSource.make,
  file: FileSource.make
} satisfies Readonly<Record<string, MakeSource>>

export const knownTypes: ReadonlyArray<string> = Object.keys(table)

/** A source whose type has a line here. */
export type KnownSource = SourceConfig & { readonly type: keyof typeof table }

const isKnown = (source: SourceConfig): source is KnownSource => Object.hasOwn(table, source.type)

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

/** Sources whose type is known, in order of precedence. */
export const known = ({ sources }: SyncConfig.SyncConfig): ReadonlyArray<KnownSource> => sources.filter(isKnown)

/** A source of this configuration, to be run. */
export const runnable = (source: KnownSource, config: SyncConfig.SyncConfig) =>
  Effect.map(
    table[source.type](source),
    (made) => runnableOf(source, made, SyncConfig.needsIdentifiers(config))
  )

/** All known sources. */
export const make = (config: SyncConfig.SyncConfig) =>
  Effect.forEach(
    known(config),
    (source): Effect.Effect<ConfiguredSource, never, Scope.Scope> =>
      Effect.map(runnable(source, config), (one) => ({ config: source, runnable: one }))
  )
