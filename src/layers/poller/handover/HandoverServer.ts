/**
 * The old side of a replacement: lets a poller that starts beside this one take over, agent by agent.
 *
 * Nothing is final until the other says so. While it has not, its end, however it comes, makes every agent this process's
 * again; then this process ends, and leaves what waits in the folder to the other.
 */
import { Deferred, Effect, FiberSet, MutableRef, Queue, Result, Schema, type Scope } from "effect"
import type { AgentId } from "../../../domain/monitoring/Ids.ts"
import * as HandoverMessage from "../../../domain/poller/handover/HandoverMessage.ts"
import type * as AgentLink from "../../../services/poller/AgentLink.ts"
import type { LeasedArrival } from "../../../services/poller/discovery/Arrivals.ts"
import * as AgentHandover from "../../../services/poller/handover/AgentHandover.ts"
import type { FolderSocketError } from "../../process/FolderSocket.ts"
import * as HandoverSocket from "./HandoverSocket.ts"

export interface Options {
  readonly folder: string
  readonly pollerId: string
  /** Those of this moment. */
  readonly links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>
  /** Of those agents the ones that came by themselves. */
  readonly leased: Effect.Effect<ReadonlyArray<LeasedArrival>>
  /** Whether another process is taking over: what comes to this one meanwhile is the other's. */
  readonly isBeingReplaced: MutableRef.MutableRef<boolean>
  /** Told the id of the process that has taken over. */
  readonly finished: Deferred.Deferred<number>
}

const decode = Schema.decodeResult(HandoverMessage.fromNewLine)
const encode = Schema.encodeSync(HandoverMessage.fromOldLine)

/** Listens until the scope closes. */
export const serve = Effect.fn("HandoverServer.serve")(function*(
  { finished, folder, isBeingReplaced, leased, links, pollerId }: Options
): Effect.fn.Return<void, FolderSocketError, Scope.Scope> {
  const sockets = yield* HandoverSocket.Current

  const replacement = Effect.fnUntraced(function*(connection: HandoverSocket.LineConnection, pid: number) {
    const send = (message: HandoverMessage.FromOld) => connection.send(encode(message))
    const released = yield* links
    yield* Effect.addFinalizer(() =>
      Effect.gen(function*() {
        if (yield* Deferred.isDone(finished)) return
        MutableRef.set(isBeingReplaced, false)
        // With those that the configuration has brought meanwhile.
        yield* Effect.forEach([...released, ...yield* links], AgentHandover.takeBack, { discard: true })
        yield* Effect.logWarning(`process ${pid} did not take over to the end: this one polls on`)
      })
    )
    // Of these none goes on when the agents are taken back.
    const fork = yield* FiberSet.runtime(yield* FiberSet.make())<never>()
    yield* send({
      _tag: "Welcome",
      protocol: HandoverMessage.protocol,
      pid: sockets.pid,
      agentIds: released.map(({ terms }) => terms.agent.agentId),
      arrived: (yield* leased).map(({ arrival, leftMillis }) => ({ ...arrival, leftMillis }))
    })
    const told = new Set<AgentId>()
    const release = Effect.fnUntraced(function*(agentId: AgentId) {
      const link = released.find(({ terms }) => terms.agent.agentId === agentId)
      const checks = link === undefined ? [] : yield* AgentHandover.release(link)
      told.add(agentId)
      yield* send({ _tag: "Released", agentId, checks })
    })
    for (;;) {
      const line = yield* Effect.result(Queue.take(connection.lines))
      if (Result.isFailure(line)) return
      const message = decode(line.success)
      if (Result.isFailure(message) || message.success._tag === "Hello") return
      if (message.success._tag === "Finish") break
      fork(release(message.success.agentId))
    }
    // Those that the other has waited for in vain; agents that it does not know are nobody's from here on.
    const left = released.map(({ terms }) => terms.agent.agentId).filter((agentId) => !told.has(agentId))
    yield* Effect.forEach(left, release, { discard: true, concurrency: "unbounded" })
    yield* Effect.logInfo(`process ${pid} has taken over; this one ends`)
    yield* Deferred.succeed(finished, pid)
    // Its end is how the other learns that nothing of this process is left.
    return yield* Effect.never
  }, Effect.scoped)

  yield* sockets.listen(folder, (connection) =>
    Effect.gen(function*() {
      const refuse = (reason: string) => connection.send(encode({ _tag: "Refused", reason }))
      const first = yield* Effect.timeoutOption(Effect.result(Queue.take(connection.lines)), "5 seconds")
      const hello = first._tag === "Some" && Result.isSuccess(first.value) ? decode(first.value.success) : undefined
      if (hello === undefined || Result.isFailure(hello) || hello.success._tag !== "Hello") {
        return yield* refuse("it did not say who it is")
      }
      const { pid, pollerId: theirs, protocol } = hello.success
      if (protocol !== HandoverMessage.protocol) {
        return yield* refuse(`it speaks protocol ${protocol}, this one ${HandoverMessage.protocol}`)
      }
      if (theirs !== pollerId) return yield* refuse(`it is poller ${theirs}, this one is ${pollerId}`)
      if (MutableRef.get(isBeingReplaced)) return yield* refuse("another process is taking over")
      MutableRef.set(isBeingReplaced, true)
      yield* Effect.logInfo(`process ${pid} takes over from this one`)
      yield* replacement(connection, pid)
    }))
})
