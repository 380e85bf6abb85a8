/** The real poller, whose disk, address and gRPC are the world's. */
import { Effect, type FileSystem, Layer, Option } from "effect"
import { CircuitBreaker } from "effect/persistence"
import * as PollerConfig from "../../../src/domain/poller/PollerConfig.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import * as DiskStatusBuffer from "../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import type { SegmentFiles } from "../../../src/layers/poller/buffer/SegmentFiles.ts"
import * as GrpcAgentClient from "../../../src/layers/poller/GrpcAgentClient.ts"
import * as GrpcCoreClient from "../../../src/layers/poller/GrpcCoreClient.ts"
import * as ReplyThread from "../../../src/layers/poller/replies/ReplyThread.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import * as PollerSource from "../../../src/programs/poller/PollerSource.ts"
import * as MemoryStatusBuffer from "../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { StatusBuffer, type WaitingStatus } from "../../../src/services/poller/buffer/StatusBuffer.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as ReplyPlugins from "../../../src/services/poller/plugins/ReplyPlugins.ts"
import * as Reconfiguration from "../../../src/services/poller/Reconfiguration.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as PollerFile from "./PollerFile.ts"
import { securedWith } from "./Secured.ts"

export interface PollerParty {
  /** With its configuration. */
  readonly host: HostFiles
  /** Whether it takes up what is different in its file while it runs. */
  readonly isWatched: boolean
  /** In memory without one. */
  readonly files?: SegmentFiles
  /** Told of each status that the poller takes upon itself to bring to core. */
  readonly onAccepted: (status: WaitingStatus) => void
}

/** The buffer as it is, with somebody who listens. */
const heard = (onAccepted: PollerParty["onAccepted"]) =>
  Layer.effect(
    StatusBuffer,
    Effect.map(StatusBuffer, (buffer) => ({
      ...buffer,
      offer: (one: WaitingStatus) => Effect.andThen(buffer.offer(one), Effect.sync(() => onAccepted(one)))
    }))
  )

export const program = (party: PollerParty) =>
  Effect.gen(function*() {
    const { first, source } = yield* PollerSource.open(PollerFile.path)
    const context = yield* Effect.context<FileSystem.FileSystem>()
    const config = PollerConfig.fromFile(first.value)
    const read = Effect.map(PollerSource.read(source), ({ value }) => PollerConfig.fromFile(value))
    const buffer = heard(party.onAccepted).pipe(
      Layer.provide(
        party.files === undefined ? MemoryStatusBuffer.layer() : DiskStatusBuffer.layer({ files: party.files })
      )
    )
    const options: PollerProgram.PollerOptions = {
      ...(party.files === undefined ? {} : { bufferFolder: party.files.folder }),
      ...(party.isWatched
        ? { watched: { path: source.path, since: source.stamp, read: Effect.provideContext(read, context) } }
        : {})
    }
    return yield* Supervisor.run(PollerProgram.tree(config, options)).pipe(
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
            Layer.merge(ReplyThread.layer()),
            Layer.merge(Layer.sync(ReplyPlugins.ReplyPlugins, ReplyPlugins.make))
          )
      )
    )
  }).pipe(Effect.provide(Layer.provideMerge(securedWith(party.host), SupervisionTree.layer)))
