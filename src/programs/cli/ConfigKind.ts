/**
 * Recognises whose configuration a file is by the keys at its top.
 *
 * The formats have no field for it. `poller_id` and `agents` are the poller's, `agent_id` and `checkers_dir` the agent's,
 * NATS streams the event writer's, `sources` the sync service's, `grpc_addr`, `auth` and pollers to know core's. A file
 * with none of them is nobody's.
 */
import { Effect, Option } from "effect"
import { AgentConfigFile } from "../../domain/agent/AgentConfig.ts"
import { CoreConfigFile } from "../../domain/core/CoreConfig.ts"
import { EventWriterConfigFile } from "../../domain/events/settings/EventWriterConfig.ts"
import { PollerConfigFile } from "../../domain/poller/PollerConfig.ts"
import { SyncConfigFile } from "../../domain/sync/SyncConfigFile.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import type { Service } from "./Services.ts"

export { services as kinds } from "./Services.ts"
export type ConfigKind = Service

export const schemas = {
  poller: PollerConfigFile,
  agent: AgentConfigFile,
  core: CoreConfigFile,
  "event-writer": EventWriterConfigFile,
  sync: SyncConfigFile
} as const satisfies Readonly<Record<ConfigKind, unknown>>

const telling: ReadonlyArray<readonly [ConfigKind, ReadonlyArray<string>]> = [
  ["poller", ["poller_id", "agents", "core_address", "poll_interval"]],
  ["agent", ["agent_id", "agent_name", "checkers_dir", "kv_security", "host_ip"]],
  ["sync", ["sources", "discovery_interval", "update_interval", "source_precedence", "spool_dir"]],
  [
    "core",
    (
      "grpc_addr database_url data_dir history_retention max_connections alert_threshold known_pollers webhooks auth cors " +
      "metrics snmp database db_path write_buffer events nats edge_onboarding cnpg"
    ).split(" ")
  ],
  ["event-writer", ["nats_url", "stream_name", "consumer_name", "streams", "cnpg", "nats_security"]]
]

/** None for keys that tell of no program. */
export const ofKeys = (keys: ReadonlyArray<string>): Option.Option<ConfigKind> => {
  const present = new Set(keys.map((key) => key.toLowerCase()))
  const scores = telling.map(([kind, names]) => ({ kind, score: names.filter((name) => present.has(name)).length }))
  const best = scores.toSorted((left, right) => right.score - left.score)[0]
  return best !== undefined && best.score > 0 ? Option.some(best.kind) : Option.none()
}

/** None for a file of keys that tell of no program. */
export const detect = (file: string) => Effect.map(ConfigFile.keysOf(file), ofKeys)
