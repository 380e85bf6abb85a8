/**
 * What becomes of a running service when its configuration file is read again: sources, intervals, guards and agents'
 * keys change at once; what the process itself is made of stays until it is started again.
 */
import { Redacted } from "effect"
import { needsIdentifiers, type SourceConfig, type SyncConfig } from "./SyncConfig.ts"

export interface SyncConfigChange {
  /** What holds from now on. */
  readonly config: SyncConfig
  /** Names of sources. */
  readonly added: ReadonlyArray<string>
  readonly changed: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
  /** Keys of the file that say something else now and take effect with the next start only. */
  readonly waiting: ReadonlyArray<string>
  /** Whether anything but sources and waiting keys is new. */
  readonly isOther: boolean
}

const fixed = {
  listen_addr: ({ listen }: SyncConfig) => listen,
  kv_address: ({ kvAddress }: SyncConfig) => kvAddress,
  nats_url: ({ natsUrl }: SyncConfig) => natsUrl,
  security: ({ security }: SyncConfig) => security,
  spool_dir: ({ spoolFolder }: SyncConfig) => spoolFolder
}

const isEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Whether a source goes on as it is. */
export const isSameSource = (one: SourceConfig, other: SourceConfig): boolean =>
  isEqual(one, other) && isEqual(Redacted.value(one.credentials), Redacted.value(other.credentials))

/** Keys that are no source's. */
const others = ({ agentId, kvPrefix, kvRefresh, retractionRetention, sources }: SyncConfig) => [
  agentId,
  kvPrefix,
  kvRefresh,
  retractionRetention,
  sources.map(({ name }) => name)
]

export const between = (before: SyncConfig, next: SyncConfig): SyncConfigChange => {
  const config: SyncConfig = {
    ...next,
    listen: before.listen,
    kvAddress: before.kvAddress,
    natsUrl: before.natsUrl,
    security: before.security,
    spoolFolder: before.spoolFolder
  }
  const old = new Map(before.sources.map((source) => [source.name, source]))
  const names = new Set(next.sources.map(({ name }) => name))
  // With identifiers to be kept, or no longer, every run is made in another way.
  const isIdentifiedAnew = needsIdentifiers(before) !== needsIdentifiers(config)
  return {
    config,
    added: next.sources.flatMap(({ name }) => old.has(name) ? [] : [name]),
    changed: next.sources.flatMap((source) => {
      const known = old.get(source.name)
      return known === undefined || (isSameSource(known, source) && !isIdentifiedAnew) ? [] : [source.name]
    }),
    removed: before.sources.flatMap(({ name }) => names.has(name) ? [] : [name]),
    waiting: Object.entries(fixed).flatMap(([key, read]) => isEqual(read(before), read(next)) ? [] : [key]),
    isOther: !isEqual(others(before), others(next))
  }
}

const listed = (what: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [`${what} ${names.join(", ")}`]

/** For the log: what is different now. */
export const describe = ({ added, changed, isOther, removed }: SyncConfigChange): string => {
  const parts = [...listed("new:", added), ...listed("changed:", changed), ...listed("gone:", removed)]
  if (parts.length > 0) return `sources ${parts.join("; ")}`
  return isOther ? "sources are as before, other keys are new" : "nothing is new"
}
