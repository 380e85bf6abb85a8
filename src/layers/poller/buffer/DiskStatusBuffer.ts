/**
 * Statuses in a folder: they outlive the process, however it ends.
 *
 * A status is handed to the operating system within 50 ms, which the end of the process does not undo, and is on the disk
 * within a second, which a power failure does not undo either. What a report holds is on the disk before the report is
 * sent, with a mark of where it begins and ends, so that after a crash the same statuses go as the same report.
 *
 * While the folder takes nothing the memory carries on, bounded as it is without a folder, and what it holds is written
 * when the folder takes it again.
 */
import { type Context, Duration, Effect, Layer, Option } from "effect"
import type * as ReportBuffer from "../../../domain/monitoring/reports/ReportBuffer.ts"
import { ageMaxDefault, memoryDefault, newOrigin } from "../../../services/poller/buffer/MemoryStatusBuffer.ts"
import { giveUp, StatusBuffer, type WaitingStatus } from "../../../services/poller/buffer/StatusBuffer.ts"
import * as PollerMetrics from "../../../services/poller/PollerMetrics.ts"
import * as DiskState from "./disk/DiskState.ts"
import * as Taking from "./disk/Taking.ts"
import * as Writing from "./disk/Writing.ts"
import type { SegmentFiles } from "./SegmentFiles.ts"
import * as WaitingQueue from "./WaitingQueue.ts"

export interface Options {
  readonly files: SegmentFiles
  /** Of all segments. 1 GiB unless told. */
  readonly bytesMax?: number | undefined
  /** Of one segment: a sixteenth of all, at most 16 MiB, unless told. */
  readonly segmentBytes?: number
  /** 24 h unless told. */
  readonly ageMax?: Duration.Input | undefined
  /** What is held in memory of those that are not written yet. */
  readonly memory?: ReportBuffer.Limits
  /** What is held in memory of those that are to go next; as `memory` unless told. */
  readonly ahead?: ReportBuffer.Limits
  /** The folder is taken when this ends; at once unless told. */
  readonly after?: Effect.Effect<void>
}

export const bytesMaxDefault = 1_073_741_824
const segmentBytesMax = 16 * 1_048_576
/** The oldest segment goes as a whole, so there are to be some. */
const segmentsMin = 16

export const layer = (options: Options) => Layer.effect(StatusBuffer, make(options))

const make = Effect.fnUntraced(function*({ files, memory = memoryDefault, ahead = memory, ...options }: Options) {
  const bytesMax = options.bytesMax ?? bytesMaxDefault
  const state = DiskState.make({
    files,
    bytesMax,
    segmentBytes: options.segmentBytes ?? Math.min(segmentBytesMax, Math.ceil(bytesMax / segmentsMin)),
    ageMaxMillis: Duration.toMillis(options.ageMax ?? ageMaxDefault),
    ahead
  }, memory)
  const origin = yield* newOrigin
  const owner = yield* Effect.scope
  yield* Effect.addFinalizer(() => DiskState.closeLog(state))

  const offer = (one: WaitingStatus) =>
    Effect.contextWith((context: Context.Context<never>) => {
      const gone = WaitingQueue.offer(state.queue, one, DiskState.hasBacklog(state))
      state.hasWork.openUnsafe()
      PollerMetrics.reportBufferSize.updateUnsafe(DiskState.size(state), context)
      return gone.length === 0 ? Effect.void : Effect.uninterruptible(giveUp(gone, "full"))
    })

  return StatusBuffer.of({
    offer,
    isReady: state.isReady.await,
    take: (cut) => Taking.take(state, cut, origin),
    settle: Taking.settle(state),
    size: Effect.sync(() => DiskState.size(state)),
    folder: Effect.sync(() =>
      state.trouble === undefined && state.log !== undefined ? Option.some(files.folder) : Option.none()
    ),
    trouble: DiskState.troubleNow(state),
    run: Effect.andThen(options.after ?? Effect.void, Writing.run(state, owner))
  })
})
