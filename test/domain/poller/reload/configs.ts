/** Random configurations of a poller: few names, so that two of them share agents and checks. */
import { Duration, Option } from "effect"
import * as fc from "fast-check"
import type { Check } from "../../../../src/domain/monitoring/checks/Check.ts"
import { Partition, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import type { PollerConfig } from "../../../../src/domain/poller/PollerConfig.ts"
import * as Rollout from "../../../../src/domain/poller/rollout/Rollout.ts"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import * as fleet from "../../../fixtures/fleet.ts"
import { agent, check } from "../../../services/poller/statuses.ts"

const interval = fc.constantFrom(10, 20, 30).map((seconds) => Duration.seconds(seconds))

const anyCheck: fc.Arbitrary<Check> = fc.record({
  name: fc.constantFrom("ssh", "web", "disk"),
  type: fc.constantFrom("port", "process"),
  details: fc.constantFrom("", "192.0.2.1:22", "192.0.2.2:80"),
  interval: fc.option(interval),
  resultsInterval: fc.option(interval, { freq: 4 })
}).map(({ details, name, type, ...intervals }) =>
  check(name, {
    details,
    serviceType: ServiceType.make(type),
    interval: Option.fromNullOr(intervals.interval),
    resultsInterval: Option.fromNullOr(intervals.resultsInterval)
  })
)

const security = fc.constantFrom(
  SecurityConfig.none,
  SecurityConfig.fromBlock({ mode: "mtls", tls: { cert_file: "a.pem", key_file: "a.key", ca_file: "ca.pem" } }),
  SecurityConfig.fromBlock({ mode: "mtls", tls: { cert_file: "b.pem", key_file: "b.key", ca_file: "ca.pem" } })
)

const anyAgent = fc.record({
  name: fc.constantFrom("a", "b", "c", "d"),
  address: fc.constantFrom("agent:1", "agent:2"),
  security,
  checks: fc.array(anyCheck, { maxLength: 5 })
}).map(({ address, checks, name, security }) => ({ ...agent(name, address, checks), security }))

const plugins = fc.constantFrom(
  Option.none(),
  Option.some({ folder: "/plugins/a", callLimit: Duration.millis(250) }),
  Option.some({ folder: "/plugins/b", callLimit: Duration.millis(250) })
)

const rollout = fc.constantFrom(
  Option.none(),
  Option.some(Rollout.fromBlock({ percent: 10 })),
  Option.some(Rollout.fromBlock({ percent: 20 })),
  Option.some(Rollout.fromBlock({ mode: "shadow", percent: 10 }))
)

export const anyConfig: fc.Arbitrary<PollerConfig> = fc.record({
  agents: fc.uniqueArray(anyAgent, { selector: ({ agentId }) => agentId, minLength: 1 }),
  pollInterval: interval,
  coreAddress: fc.constantFrom("core:1", "core:2"),
  partition: fc.constantFrom("default", "site-a"),
  logLevel: fc.constantFrom(Option.none(), Option.some("Debug" as const)),
  serviceName: fc.constantFrom("PollerService", "other"),
  security,
  plugins,
  rollout
}).map(({ agents, coreAddress, partition, pollInterval, ...others }) => ({
  ...fleet.config(agents, { pollInterval, coreAddress }),
  ...others,
  partition: Partition.make(partition)
}))
