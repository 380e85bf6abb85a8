/** The real poller, whose disk, address and gRPC are the world's. */
import { type Duration, Effect, Layer, Option } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { PollerConfig } from "../../../src/domain/poller/PollerConfig.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import * as DiskStatusBuffer from "../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import type { SegmentFiles } from "../../../src/layers/poller/buffer/SegmentFiles.ts"
import * as GrpcAgentClient from "../../../src/layers/poller/GrpcAgentClient.ts"
import * as GrpcCoreClient from "../../../src/layers/poller/GrpcCoreClient.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import * as MemoryStatusBuffer from "../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { StatusBuffer, type WaitingStatus } from "../../../src/services/poller/buffer/StatusBuffer.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as Reconfiguration from "../../../src/services/poller/Reconfiguration.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as fleet from "../../fixtures/fleet.ts"
import { agent, check } from "../../services/poller/statuses.ts"
import * as Agents from "./Agents.ts"
import { secured } from "./Secured.ts"

export interface PollerParty {
  readonly id: string
  readonly agents: ReadonlyArray<string>
  readonly checks: ReadonlyArray<string>
  readonly pollInterval: Duration.Input
  readonly core: string
  /** In memory without one. */
  readonly files?: SegmentFiles
  /** Told of each status that the poller takes upon itself to bring to core. */
  readonly onAccepted: (status: WaitingStatus) => void
}

export const configOf = ({ agents, checks, core, id, pollInterval }: PollerParty): PollerConfig => ({
  ...fleet.config(agents.map((name) => agent(name, `${name}:${Agents.port}`, checks.map((one) => check(one)))), {
    pollInterval,
    coreAddress: core
  }),
  pollerId: PollerId.make(id)
})

/** The buffer as it is, with somebody who listens. */
const heard = (onAccepted: PollerParty["onAccepted"]) =>
  Layer.effect(
    StatusBuffer,
    Effect.map(StatusBuffer, (buffer) => ({
      ...buffer,
      offer: (one: WaitingStatus) => Effect.andThen(buffer.offer(one), Effect.sync(() => onAccepted(one)))
    }))
  )

export const program = (party: PollerParty) => {
  const config = configOf(party)
  const buffer = heard(party.onAccepted).pipe(
    Layer.provide(
      party.files === undefined ? MemoryStatusBuffer.layer() : DiskStatusBuffer.layer({ files: party.files })
    )
  )
  const options = party.files === undefined ? {} : { bufferFolder: party.files.folder }
  return Supervisor.run(PollerProgram.tree(config, options)).pipe(
    Effect.provide(
      CoreReporter.layer({
        ...Reconfiguration.reported(config),
        drainRate: Option.getOrUndefined(config.buffer.drainRate)
      })
        .pipe(
          Layer.provideMerge(buffer),
          Layer.provide(GrpcCoreClient.layer({ address: config.coreAddress, security: config.security })),
          Layer.provideMerge(Fleet.layer(config)),
          Layer.provideMerge(HostIdentity.layerStatic("192.0.2.1")),
          Layer.merge(GrpcAgentClient.layer),
          Layer.merge(Management.layer),
          Layer.merge(CircuitBreaker.layerStoreMemory()),
          Layer.provideMerge(secured),
          Layer.provideMerge(SupervisionTree.layer)
        )
    )
  )
}
