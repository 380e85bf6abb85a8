/** The real poller, whose disk, address and gRPC are the world's. */
import { Effect, type FileSystem, Layer, Option } from "effect"
import { CircuitBreaker } from "effect/persistence"
import * as PollerConfig from "../../../src/domain/poller/PollerConfig.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import * as DiskStatusBuffer from "../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import * as GrpcAgentClient from "../../../src/layers/poller/GrpcAgentClient.ts"
import * as GrpcCoreClient from "../../../src/layers/poller/GrpcCoreClient.ts"
import * as HandoverSocket from "../../../src/layers/poller/handover/HandoverSocket.ts"
import * as Replacement from "../../../src/layers/poller/handover/Replacement.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import * as PollerSource from "../../../src/programs/poller/PollerSource.ts"
import { StatusBuffer, type WaitingStatus } from "../../../src/services/poller/buffer/StatusBuffer.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as ReplyPlugins from "../../../src/services/poller/plugins/ReplyPlugins.ts"
import * as Reconfiguration from "../../../src/services/poller/Reconfiguration.ts"
import type { Disk } from "../../../src/services/simulation/Disk.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as DiskFiles from "./DiskFiles.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { HostFolder } from "./HostFolder.ts"
import * as PollerFile from "./PollerFile.ts"
import { securedWith } from "./Secured.ts"

export interface PollerParty {
  /** With its configuration. */
  readonly host: HostFiles
  /** Whether it takes up what is different in its file while it runs. */
  readonly isWatched: boolean
  readonly disk: Disk
  /** Of the statuses that wait, on that disk. */
  readonly folder: HostFolder
  /** Whether it takes over from the process that runs. */
  readonly replaces: boolean
  /** Told of each status that the poller takes upon itself to bring to core, when it does. */
  readonly onAccepted: (status: WaitingStatus) => void
  /** Told of each status that it gives up. */
  readonly onGivenUp: (status: WaitingStatus) => void
}

/** The buffer as it is, with somebody who listens. */
const heard = ({ onAccepted, onGivenUp }: Pick<PollerParty, "onAccepted" | "onGivenUp">) =>
  Layer.effect(
    StatusBuffer,
    Effect.map(StatusBuffer, (buffer) => ({
      ...buffer,
      offer: (one: WaitingStatus) => {
        const settled = (isDelivered: boolean) => {
          if (!isDelivered) onGivenUp(one)
          return one.settled?.(isDelivered) ?? Effect.void
        }
        return Effect.andThen(Effect.sync(() => onAccepted(one)), buffer.offer({ ...one, settled }))
      }
    }))
  )

export const program = (party: PollerParty) =>
  Effect.gen(function*() {
    const { first, source } = yield* PollerSource.open(PollerFile.path)
    const context = yield* Effect.context<FileSystem.FileSystem>()
    const config = PollerConfig.fromFile(first.value)
    const read = Effect.map(PollerSource.read(source), ({ value }) => PollerConfig.fromFile(value))
    const sockets = party.folder.begin()
    const files = DiskFiles.make(party.disk, `/var/lib/serviceradar/${config.pollerId}`, sockets.hold)
    const replacement = yield* Replacement.make({
      folder: files.folder,
      pollerId: config.pollerId,
      replaces: party.replaces
    }).pipe(Effect.provideService(HandoverSocket.Current, sockets))
    const buffer = heard(party).pipe(
      Layer.provide(DiskStatusBuffer.layer({ files, after: replacement.isOver }))
    )
    const options = {
      bufferFolder: files.folder,
      replacement,
      ...(party.isWatched
        ? { watched: { path: source.path, since: source.stamp, read: Effect.provideContext(read, context) } }
        : {})
    }
    return yield* PollerProgram.live(config, options).pipe(
      Effect.provideService(HandoverSocket.Current, sockets),
      Effect.provide(
        CoreReporter.layer({
          ...Reconfiguration.reported(config),
          drainRate: Option.getOrUndefined(config.buffer.drainRate),
          hasSuccessor: replacement.hasSuccessor
        })
          .pipe(
            Layer.provideMerge(buffer),
            Layer.provide(GrpcCoreClient.layer({ address: config.coreAddress, security: config.security })),
            Layer.provideMerge(Fleet.layer(config, replacement.isPolledByOther)),
            Layer.provideMerge(HostIdentity.layerStatic("192.0.2.1")),
            Layer.merge(GrpcAgentClient.layer),
            Layer.merge(Management.layer),
            Layer.merge(CircuitBreaker.layerStoreMemory()),
            Layer.merge(Layer.sync(ReplyPlugins.ReplyPlugins, ReplyPlugins.make))
          )
      )
    )
  }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(securedWith(party.host), SupervisionTree.layer)))
