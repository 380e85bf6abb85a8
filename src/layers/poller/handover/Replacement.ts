/**
 * The life of a poller beside others with its folder: it takes over from the one before it, and lets the next take over.
 *
 *   find the old one ─▶ take its agents, one by one ─▶ it ends ─▶ take the folder ─▶ listen for the next one
 *
 * What is measured in between waits in memory, so that core gets what the old one measured first.
 */
import { Deferred, Duration, Effect, type FileSystem, MutableRef, Option, Schedule, Schema, Scope } from "effect"
import type { AgentId, PollerId } from "../../../domain/monitoring/Ids.ts"
import type * as HandoverMessage from "../../../domain/poller/handover/HandoverMessage.ts"
import type * as AgentLink from "../../../services/poller/AgentLink.ts"
import { StatusBuffer } from "../../../services/poller/buffer/StatusBuffer.ts"
import { Arrivals } from "../../../services/poller/discovery/Arrivals.ts"
import * as AgentHandover from "../../../services/poller/handover/AgentHandover.ts"
import type { FolderSocketError } from "../../process/FolderSocket.ts"
import type { PortSharing } from "../../sockets/PortSharing.ts"
import * as HandoverClient from "./HandoverClient.ts"
import * as HandoverServer from "./HandoverServer.ts"
import * as HandoverSocket from "./HandoverSocket.ts"

/** A poller is to be replaced, and there is nothing by which it could be. */
export class NoFolder extends Schema.TaggedError<NoFolder>()("NoFolder", {}) {
  override get message(): string {
    return "--replace: there is no buffer folder to take over; set buffer.dir, and buffer.type other than memory, for both pollers"
  }
}

export type ReplacementError = HandoverClient.ReplacementFailed | FolderSocketError | NoFolder

export interface Replacement {
  /** For the ports: whether somebody listens there whom this process replaces. */
  readonly sharing: PortSharing
  readonly isPolledByOther: (agentId: AgentId) => boolean
  /** Nothing is left of the old process. */
  readonly isOver: Effect.Effect<void>
  readonly hasSuccessor: Effect.Effect<boolean>
  /** Takes these agents over, serves the next one, and ends when that has taken over. */
  readonly run: (
    links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>
  ) => Effect.Effect<void, HandoverClient.ReplacementFailed, StatusBuffer>
}

export interface Options {
  /** None: statuses wait in memory, and nobody can take over. */
  readonly folder: string | undefined
  readonly pollerId: PollerId
  /** Whether to take over from the poller that has the folder. */
  readonly replaces: boolean
}

/** While the folder cannot be used. */
const lookEvery = Duration.seconds(5)

/** Nobody listens; somebody may have the folder all the same. */
const noneIn = Effect.fnUntraced(function*(folder: string) {
  const owner = yield* (yield* HandoverSocket.Current).owner(folder)
  if (Option.isNone(owner)) return yield* Effect.logInfo(`no poller has ${folder}: there is none to replace`)
  return yield* new HandoverClient.ReplacementFailed({
    folder,
    reason: `process ${owner.value} lets nobody take over: it is only starting, or of an older version`
  })
})

/** Agents that came to the other by themselves; one that this process does not take comes again, and is refused then. */
const announce = Effect.fnUntraced(function*(arrived: ReadonlyArray<HandoverMessage.Arrived>) {
  const arrivals = yield* Effect.serviceOption(Arrivals)
  if (Option.isNone(arrivals)) return
  yield* Effect.forEach(arrived, ({ leftMillis, ...arrival }) =>
    Effect.catchTag(
      arrivals.value.announce(arrival, leftMillis),
      "ArrivalRefused",
      ({ message }) => Effect.logWarning(message)
    ), { discard: true })
})

export const make = Effect.fn("Replacement.make")(function*(
  { folder, pollerId, replaces }: Options
): Effect.fn.Return<Replacement, ReplacementError, FileSystem.FileSystem | Scope.Scope> {
  if (replaces && folder === undefined) return yield* new NoFolder()
  const predecessor = replaces && folder !== undefined
    ? yield* HandoverClient.find(folder, pollerId)
    : Option.none<HandoverClient.Predecessor>()
  if (replaces && folder !== undefined && Option.isNone(predecessor)) yield* noneIn(folder)
  const isOver = yield* Deferred.make<void>()
  const finished = yield* Deferred.make<number>()
  const isBeingReplaced = MutableRef.make(false)
  const scope = yield* Effect.scope

  const takeOver = Effect.fnUntraced(function*(links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>) {
    if (Option.isSome(predecessor)) {
      const { agentIds, arrived, pid } = predecessor.value
      yield* Effect.logInfo(`taking over ${agentIds.size} agents from process ${pid}`)
      yield* announce(arrived)
      yield* predecessor.value.takeOver(links)
      yield* Effect.logInfo(`process ${pid} has ended, and this one has taken over`)
    }
    yield* Deferred.succeed(isOver, undefined)
    // The configuration may have brought them meanwhile.
    const late = (yield* links).filter(({ lease }) => !lease.isHeld.isOpen())
    yield* Effect.forEach(late, (link) => AgentHandover.adopt(link, []), { discard: true })
  })

  const serve = Effect.fnUntraced(function*(links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>) {
    const buffer = yield* StatusBuffer
    yield* buffer.isReady
    // Without the folder there is nothing to hand over.
    yield* Effect.repeat(buffer.folder, { until: Option.isSome, schedule: Schedule.spaced(lookEvery) })
    if (folder === undefined) return
    const arrivals = yield* Effect.serviceOption(Arrivals)
    const leased = Option.match(arrivals, { onNone: () => Effect.succeed([]), onSome: ({ leased }) => leased })
    yield* HandoverServer.serve({ folder, pollerId, links, leased, isBeingReplaced, finished }).pipe(
      Effect.catch((error) => Effect.logWarning(`this poller cannot be replaced while it runs: ${error.message}`)),
      // Until nothing of this process is left, for its end is what the other waits for.
      Effect.provideService(Scope.Scope, scope)
    )
  })

  return {
    sharing: Option.isSome(predecessor) ? "beside" : "alone",
    isPolledByOther: (agentId) =>
      MutableRef.get(isBeingReplaced) ||
      !Deferred.isDoneUnsafe(isOver) && Option.exists(predecessor, ({ agentIds }) => agentIds.has(agentId)),
    isOver: Deferred.await(isOver),
    hasSuccessor: Deferred.isDone(finished),
    run: Effect.fnUntraced(function*(links) {
      yield* takeOver(links)
      yield* serve(links)
      yield* Deferred.await(finished)
    })
  }
})
