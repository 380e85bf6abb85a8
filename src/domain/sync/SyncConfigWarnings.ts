/** What an operator should know of a configuration, though the service starts with it. */
import { Redacted } from "effect"
import * as SecretText from "../config/SecretText.ts"
import { guardThresholdDefault, type SourceConfig, type SyncConfig } from "./SyncConfig.ts"

/** What an agent can do with a target; anything else it passes over. */
const sweepModes = ["icmp", "tcp", "tcp_connect"]

/** What a key in the store is made of. */
const isKey = (text: string): boolean => /^[-/=.\w]+$/.test(text)

const ofSource = (source: SourceConfig, knownTypes: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(knownTypes.includes(source.type)
    ? []
    : [
      `sources.${source.name}.type is "${source.type}", known are ${knownTypes.join(", ")}: the source is left out`
    ]),
  ...source.blacklist.rejected.map((entry) =>
    `sources.${source.name}.network_blacklist has "${entry}", which is no network such as "10.0.0.0/8": it is left out`
  ),
  ...(source.guard.threshold > 0 && source.guard.threshold <= 0.01
    ? [
      `sources.${source.name}.guard.threshold is ${source.guard.threshold * 100} per cent: ` +
      `a run is held only when nearly all devices are gone; the default is ${guardThresholdDefault}`
    ]
    : []),
  ...(source.skipVerify && source.endpoint.startsWith("https:")
    ? [
      `sources.${source.name}.insecure_skip_verify is true: whoever stands between reads the credentials, and says what ` +
      "there is to sweep"
    ]
    : []),
  ...(source.agentId !== "" && !isKey(source.agentId)
    ? [
      `sources.${source.name} has the agent_id ${JSON.stringify(source.agentId)}, of which no key can be made: ` +
      "expected letters, digits and - _ . = /"
    ]
    : []),
  ...(source.agentId === "" ? [`sources.${source.name} has no agent_id: its devices are served but not swept`] : []),
  ...(source.type === "armis" && source.queries.length === 0
    ? [`sources.${source.name} has no queries: every run of it fails`]
    : []),
  ...(source.writeBack.isOn || Redacted.value(source.credential("enable_status_updates")) !== "true"
    ? []
    : [
      `sources.${source.name}.credentials.enable_status_updates is "true": ` +
      "nothing is written back to Armis without write_back"
    ]),
  ...(source.type !== "file" && /\/api(\/|$)/.test(source.endpoint)
    ? [
      `sources.${source.name}.endpoint is "${
        SecretText.inAddress(source.endpoint)
      }", expected the address without "/api": that is added`
    ]
    : []),
  ...source.queries.flatMap(({ label, sweepModes: given }) =>
    given.filter((mode) => !sweepModes.includes(mode)).map((mode) =>
      `sources.${source.name} has the sweep mode "${mode}" in query "${label}", known are ${sweepModes.join(", ")}`
    )
  )
]

/** One line each. */
export const warningsOf = (config: SyncConfig, knownTypes: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(config.kvAddress === "" && config.natsUrl === ""
    ? ["neither kv_address nor nats_url is given: devices are served, but no agent is told what to sweep"]
    : []),
  ...config.sources.flatMap((source) => ofSource(source, knownTypes))
]
