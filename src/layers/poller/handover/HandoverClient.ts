/**
 * The new side of a replacement: takes over from the poller that has the folder, agent by agent.
 *
 * An agent is asked for when this process has found out whether it answers, so no poll waits for a connection. One that is
 * not let go in time is asked for again while the others go on, and taken whenever the old process lets it go, at its end at the
 * latest. When that ends in the middle, what it had not let go is taken as well; when it says nothing at all any more, this
 * one gives up, and the old one polls on.
 */
import { Deferred, Duration, Effect, Option, Queue, Result, Schema, type Scope } from "effect"
import type { AgentId, PollerId } from "../../../domain/monitoring/Ids.ts"
import * as HandoverMessage from "../../../domain/poller/handover/HandoverMessage.ts"
import type * as AgentLink from "../../../services/poller/AgentLink.ts"
import * as AgentHandover from "../../../services/poller/handover/AgentHandover.ts"
import type { FolderSocketError } from "../../process/FolderSocket.ts"
import * as HandoverSocket from "./HandoverSocket.ts"

/** This process cannot replace the one that runs. */
export class ReplacementFailed extends Schema.TaggedError<ReplacementFailed>()("ReplacementFailed", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the poller that has ${this.folder} cannot be replaced: ${this.reason}; it polls on`
  }
}

/** A poller that is there and lets this one take over. */
export interface Predecessor {
  readonly pid: number
  /** Those that it polls, and that are not this process's until it lets them go. */
  readonly agentIds: ReadonlySet<AgentId>
  /** Of those the ones that are in no file. */
  readonly arrived: ReadonlyArray<HandoverMessage.Arrived>
  /** Takes over these agents, and ends when nothing of the old process is left. */
  readonly takeOver: (
    links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>
  ) => Effect.Effect<void, ReplacementFailed>
}

const answerWithin = Duration.seconds(10)
const welcomeWithin = Duration.seconds(30)
/** How often an agent is asked for: both processes may be late on a machine that has no time for them. */
const asksMax = 3
/** An agent that says nothing is asked for all the same. */
const knownWithin = Duration.seconds(5)
/** Its children have 10 s to stop. */
const endWithin = Duration.seconds(20)
/** As many agents are looked for at once at a start. */
const agentsAtOnce = 32

const decode = Schema.decodeResult(HandoverMessage.fromOldLine)
const encode = Schema.encodeSync(HandoverMessage.fromNewLine)

/** None when nobody has the folder. The connection stays open until the scope closes. */
export const find = Effect.fn("HandoverClient.find")(function*(
  folder: string,
  pollerId: PollerId
): Effect.fn.Return<
  Option.Option<Predecessor>,
  ReplacementFailed | FolderSocketError,
  Scope.Scope
> {
  const fail = (reason: string) => new ReplacementFailed({ folder, reason })
  const sockets = yield* HandoverSocket.Current
  const found = yield* sockets.connect(folder)
  if (Option.isNone(found)) return Option.none()
  const connection = found.value
  const send = (message: HandoverMessage.FromNew) => connection.send(encode(message))
  const isGone = yield* Deferred.make<void>()

  /** None when the connection has ended. */
  const next = Effect.gen(function*() {
    const line = yield* Effect.result(Queue.take(connection.lines))
    if (Result.isFailure(line)) return Option.none()
    const message = decode(line.success)
    if (Result.isFailure(message)) return yield* fail("what it says cannot be understood")
    if (message.success._tag === "Refused") return yield* fail(message.success.reason)
    return Option.some(message.success)
  })

  yield* send({ _tag: "Hello", protocol: HandoverMessage.protocol, pollerId, pid: sockets.pid })
  const welcome = Option.flatten(yield* Effect.timeoutOption(next, welcomeWithin))
  if (Option.isNone(welcome)) return yield* fail("it does not answer")
  if (welcome.value._tag !== "Welcome") return yield* fail("it begins with something else")
  const { agentIds, arrived = [], pid } = welcome.value

  const answers = new Map<AgentId, Deferred.Deferred<ReadonlyArray<HandoverMessage.CheckState>>>()
  /** Those that were asked for in vain. */
  const late = new Map<AgentId, AgentLink.AgentLink>()
  let heard = 0
  const listen = Effect.gen(function*() {
    for (;;) {
      const message = yield* next
      if (Option.isNone(message)) break
      if (message.value._tag !== "Released") return yield* fail("it says something out of turn")
      heard += 1
      const { agentId, checks } = message.value
      const waiting = answers.get(agentId)
      if (waiting !== undefined) yield* Deferred.succeed(waiting, checks)
      const link = late.get(agentId)
      if (link !== undefined) yield* AgentHandover.adopt(link, checks)
      late.delete(agentId)
    }
    yield* Deferred.succeed(isGone, undefined)
  })

  const takeAgent = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
    const { agentId } = link.terms.agent
    if (link.lease.isHeld.isOpen() || late.has(agentId)) return
    yield* Effect.timeoutOption(link.isKnown.await, knownWithin)
    const answer = yield* Deferred.make<ReadonlyArray<HandoverMessage.CheckState>>()
    answers.set(agentId, answer)
    // Of a process that has ended nothing is to be learned.
    const told = Effect.raceFirst(Deferred.await(answer), Effect.as(Deferred.await(isGone), []))
    const heardBefore = heard
    for (let asks = 0; asks < asksMax; asks++) {
      yield* send({ _tag: "Release", agentId })
      const checks = yield* Effect.timeoutOption(told, answerWithin)
      if (Option.isSome(checks)) return yield* AgentHandover.adopt(link, checks.value)
    }
    if (Deferred.isDoneUnsafe(answer)) return yield* AgentHandover.adopt(link, yield* Deferred.await(answer))
    if (heard === heardBefore) return yield* fail(`it does not let agent ${agentId} go, nor any other`)
    late.set(agentId, link)
    yield* Effect.logWarning(`process ${pid} does not let agent ${agentId} go yet: it is taken over later`)
  })

  /** It lets go what it still has; of what it has said nothing of when it has ended nothing is to be learned. */
  const finish = Effect.fnUntraced(function*(links: ReadonlyArray<AgentLink.AgentLink>) {
    yield* send({ _tag: "Finish" })
    const end = yield* Effect.timeoutOption(Deferred.await(isGone), endWithin)
    const left = links.filter(({ lease }) => !lease.isHeld.isOpen())
    if (Option.isSome(end)) {
      return yield* Effect.forEach(left, (link) => AgentHandover.adopt(link, []), { discard: true })
    }
    if (left.length > 0) return yield* fail(`it does not let ${left.length} of its agents go, and does not end`)
    yield* Effect.logWarning(`process ${pid} does not end: it has let all agents go`)
  })

  const takeOver: Predecessor["takeOver"] = (links) =>
    Effect.gen(function*() {
      const takeAll = Effect.flatMap(links, (some) =>
        Effect.forEach(some, takeAgent, { concurrency: agentsAtOnce, discard: true }))
      const all = Effect.andThen(
        // Those that came by themselves become agents of this process meanwhile.
        Effect.repeat(takeAll, { times: 1 }),
        Effect.flatMap(links, finish)
      )
      // What it says is followed for as long as something is expected of it.
      yield* Effect.raceFirst(all, Effect.andThen(listen, Effect.never))
      // The old one polls on at once, and does not wait for this one's end.
    }).pipe(Effect.ensuring(connection.close))

  return Option.some({ pid, agentIds: new Set(agentIds), arrived, takeOver })
})
