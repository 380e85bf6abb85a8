/** What `up` shows of a sync service: sources, what is served, what core has of it, and what the agent is to sweep. */
import { Option } from "effect"
import * as Amount from "../../../layers/terminal/Amount.ts"
import type { AssignmentState } from "../../../services/agent/sweep/SweepAssignment.ts"
import type { SourceOverview } from "../../../services/sync/SyncOverview.ts"

export interface Inventory {
  readonly sources: ReadonlyArray<SourceOverview>
  readonly served: Option.Option<{ readonly devices: number; readonly sequence: number }>
  /** None until core has been asked. */
  readonly devicesInCore: Option.Option<number>
  readonly agent: AssignmentState
}

/** What has become of the devices, in one line. */
export const summary = ({ agent, devicesInCore, served }: Inventory): string => {
  const toPollers = Option.match(served, {
    onNone: () => "nothing served yet",
    onSome: ({ devices, sequence }) => `${Amount.short(devices)} devices served as ${sequence}`
  })
  const inCore = Option.match(devicesInCore, {
    onNone: () => "core has none yet",
    onSome: (devices) => `core has ${Amount.short(devices)}`
  })
  const sweep = Option.match(agent.current, {
    onNone: () => `${agent.agentId} has no sweep config yet`,
    onSome: ({ networks, targets }) =>
      `${agent.agentId} is to sweep ${Amount.short(targets)} targets, ${Amount.short(networks)} networks`
  })
  return `${toPollers}; ${inCore}; ${sweep}${agent.problem === "" ? "" : `: ${agent.problem}`}`
}

/** What `--json` prints of it, a line for each change; pages on their way are none. */
export const toReport = ({ agent, devicesInCore, served, sources }: Inventory) => ({
  inventory: {
    sources: sources.map(({ detail, devices, generation, kept, phase, rejected, retractionsPending, source }) => ({
      source,
      phase,
      /** Of the run that is over; none while one is under way. */
      received: phase === "fetching" || phase === "sealing" ? null : devices,
      rejected,
      generation,
      devices: kept,
      retractionsPending,
      detail
    })),
    served: Option.getOrNull(served),
    devicesInCore: Option.getOrNull(devicesInCore),
    agent: {
      agentId: agent.agentId,
      sweep: Option.getOrNull(Option.map(agent.current, ({ bytes, networks, sha256, targets }) => ({
        targets,
        networks,
        bytes,
        sha256
      }))),
      problem: agent.problem
    }
  }
})
