/**
 * Fetches the results of long-running checks (sweeps, inventories) of one agent, each on its own interval.
 *
 * The sequence an agent is asked to continue from advances only when core has acknowledged the results before it, so a
 * report that is lost is fetched again. While a sweep or an inventory is on its way to core, which may be away for long, the
 * check is skipped and counted: it would only bring the same once more. A checker that measures anew when it is asked is
 * asked all the same, and only what it repeats is left out.
 */
import { Clock, Deferred, Duration, Effect, Metric, Option, Ref, Result, Stream } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import * as ResultsMerge from "../../domain/monitoring/reports/ResultsMerge.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import * as ChunkOrder from "../../domain/poller/ChunkOrder.ts"
import * as SweepCompletion from "../../domain/poller/SweepCompletion.ts"
import * as PollObserver from "../telemetry/PollObserver.ts"
import { type AgentConnection, AgentError, Garbled, type ResultsChunk, type ResultsReply } from "./AgentClient.ts"
import * as AgentLink from "./AgentLink.ts"
import * as CheckLoops from "./CheckLoops.ts"
import { CoreReporter } from "./CoreReporter.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as ReplyPlugins from "./plugins/ReplyPlugins.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as Claims from "./polls/Claims.ts"
import * as LargeReplies from "./polls/LargeReplies.ts"
import { type Collecting, StreamBudget } from "./polls/StreamBudget.ts"

const unaryDeadline = Duration.seconds(30)
/** A large inventory takes its time; a stream that stalls does not get it. */
const streamDeadline = Duration.minutes(5)
const chunkDeadline = Duration.seconds(30)

/** Never ends by itself. */
export const run = (link: AgentLink.AgentLink) =>
  CheckLoops.run(link, {
    intervalOf: ({ resultsInterval }) => Option.map(resultsInterval, (interval) => Duration.max(interval, intervalMin)),
    poll: (tracked) => runOnce(link, tracked)
  })

/** An interval of 0 asks as often as is reasonable. */
const intervalMin = Duration.seconds(1)

const runOnce = Effect.fnUntraced(function*(link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) {
  const { check } = tracked
  if (isStreamed(check) && (yield* Ref.get(tracked.unacknowledged)).count > 0) {
    return yield* Metric.update(PollerMetrics.pollsSkippedOf.unacknowledged, 1)
  }
  const { agent, poller } = link.terms
  const subject: PolledStatus.PollSubject = {
    poller,
    agentId: agent.agentId,
    host: yield* HostIdentity.use((identity) => identity.agentHost(agent)),
    check,
    source: "results"
  }
  const lastSequence = yield* Ref.get(tracked.sequence)
  yield* Metric.update(PollerMetrics.polls, 1)
  const reply = yield* Effect.result(
    AgentLink.ask(
      link,
      (connection) => fetch(connection, check, lastSequence, agent.agentId, completionFor(link, check))
    )
  )
  if (Result.isSuccess(reply) && reply.success.completion !== undefined) {
    link.completions.set(tracked.key, reply.success.completion)
  }
  const counted = Result.isSuccess(reply) ? PollerMetrics.pollsSuccessful : PollerMetrics.pollsFailed
  yield* Metric.update(counted, 1)
  if (Result.isSuccess(reply)) {
    if (isNews(check, reply.success, lastSequence) && !(yield* isOnItsWay(tracked, reply.success.sequence))) {
      const told = yield* underItsName(link, yield* ReplyPlugins.apply(subject, reply.success))
      yield* report(tracked, subject, yield* LargeReplies.statusOf(subject, told), told.sequence)
    }
    return
  }
  const { reason } = reply.failure
  // The agent has nothing of the kind, and will not have it in the next cycle either: one line is enough.
  if (reason._tag === "Unsupported" || reason._tag === "NotConfigured") yield* noteMissing(tracked, reply.failure)
  // Existing agents know no results of most types, and pollers have always passed over that; of sweeps they all do.
  const isSweep = ServiceKinds.kindOf(check.serviceType).results === "sweep"
  if (reason._tag === "Unsupported" && !isSweep) return
  if (reason._tag === "NotConfigured" && isSweep) return
  const cause = reason._tag === "NotConfigured"
    ? "No sweep service configured"
    : `GetResults failed: ${reply.failure.message}`
  yield* report(tracked, subject, PolledStatus.fromFailure(subject, cause), "")
})

const underItsName = (link: AgentLink.AgentLink, reply: ResultsReply): Effect.Effect<ResultsReply> =>
  Claims.isOthers(link, reply.agentId)
    ? Effect.as(Claims.note(link, reply.agentId), { ...reply, agentId: "" })
    : Effect.succeed(reply)

/** Core will have heard the same when it has what waits for it. */
const isOnItsWay = ({ runs, unacknowledged }: AgentLink.TrackedCheck, sequence: string) =>
  Effect.map(Ref.get(unacknowledged), (now) => sequence !== "" && now.sequence === sequence && now.life === runs.life)

const noteMissing = Effect.fnUntraced(function*({ check, isNoted }: AgentLink.TrackedCheck, error: AgentError) {
  if (yield* Ref.getAndSet(isNoted, true)) return
  yield* Effect.logWarning(
    `there are no results of ${check.serviceType} ${JSON.stringify(check.serviceName)}: ${error.message}`
  )
})

const report = Effect.fnUntraced(function*(
  tracked: AgentLink.TrackedCheck,
  { check, host }: PolledStatus.PollSubject,
  status: ServiceStatus,
  sequence: string
) {
  const reporter = yield* CoreReporter
  const measuredAtMillis = yield* Clock.currentTimeMillis
  yield* PollObserver.tell({ status, check, host, measuredAtMillis })
  const before = yield* Ref.getAndSet(tracked.available, Option.some(status.available))
  const { life } = tracked.runs
  yield* Ref.update(tracked.unacknowledged, (now) => ({
    count: now.count + 1,
    ...(sequence === "" ? { sequence: now.sequence, life: now.life } : { sequence, life })
  }))
  yield* reporter.report({
    key: tracked.key,
    status,
    measuredAtMillis,
    isUrgent: Option.isNone(before) || before.value !== status.available,
    settled: (isDelivered) =>
      Effect.andThen(
        // An agent that was restarted meanwhile counts anew.
        isDelivered && sequence !== "" && life === tracked.runs.life
          ? Ref.set(tracked.sequence, sequence)
          : Effect.void,
        Ref.update(tracked.unacknowledged, (now) => {
          if (now.count <= 1) return AgentLink.acknowledged
          // What is lost is to be fetched again.
          const isLost = !isDelivered && now.sequence === sequence && now.life === life
          return { ...now, count: now.count - 1, ...(isLost ? { sequence: "" } : {}) }
        })
      )
  })
  // Interrupted between the two, the check would wait for ever for a report that nobody sends.
}, Effect.uninterruptible)

const isStreamed = (check: Check): boolean => ServiceKinds.resultsOf(check) !== undefined

/**
 * What an agent has nothing new of is not reported, except an inventory, because core ages what it does not hear of. A
 * checker that counts nothing may not know the flag either: what it answers is always news.
 */
const isNews = (check: Check, reply: ResultsReply, lastSequence: string): boolean => {
  const results = ServiceKinds.resultsOf(check)
  if (reply.hasNewData || results === "inventory") return true
  return results !== "sweep" && (reply.sequence === "" || reply.sequence !== lastSequence)
}

/** Whose inventory others sweep hears how far they are with it. */
const completionFor = (
  { completions }: AgentLink.AgentLink,
  check: Check
): SweepCompletion.SweepCompletion | undefined =>
  ServiceKinds.resultsOf(check) === "inventory" ? SweepCompletion.together([...completions.values()]) : undefined

const fetch = (
  connection: AgentConnection,
  check: Check,
  lastSequence: string,
  agentId: AgentError["agentId"],
  completion: SweepCompletion.SweepCompletion | undefined
): Effect.Effect<ResultsReply, AgentError> =>
  isStreamed(check)
    ? collect(connection, check, lastSequence, agentId, completion)
    : connection.getResults(check, lastSequence, unaryDeadline, completion)

/** Merges a stream into one reply; the time it took counts as its response time. */
const collect = Effect.fnUntraced(function*(
  connection: AgentConnection,
  check: Check,
  lastSequence: string,
  agentId: AgentError["agentId"],
  completion: SweepCompletion.SweepCompletion | undefined
): Effect.fn.Return<ResultsReply, AgentError> {
  const garbled = (detail: string) => new AgentError({ agentId, reason: new Garbled({ detail }) })
  const startedNanos = yield* Clock.currentTimeNanos
  const initial: Merged = { order: ChunkOrder.start, merge: ResultsMerge.empty, final: Option.none() }
  const budget = yield* StreamBudget
  const added = (state: Merged, chunk: ResultsChunk) =>
    Effect.fromResult(Result.gen(function*() {
      const order = yield* ChunkOrder.next(state.order, chunk)
      const merge = yield* ResultsMerge.add(state.merge, chunk.data)
      return { order, merge, final: chunk.isFinal ? Option.some(chunk.sequence) : state.final } satisfies Merged
    })).pipe(Effect.mapError((error) => garbled(error.detail)))
  const together = (mine: Collecting) =>
    connection.streamResults(check, lastSequence, streamDeadline, completion).pipe(
      Stream.timeoutOrElse({
        duration: chunkDeadline,
        orElse: () => Stream.fail(garbled(`no chunk within ${Duration.format(chunkDeadline)}`))
      }),
      Stream.runFoldEffect(() => initial, (state, chunk) =>
        Effect.gen(function*() {
          yield* Metric.update(PollerMetrics.streamingChunks, 1)
          budget.add(mine, chunk.data.length)
          const begunNanos = yield* Clock.monotonicTimeNanos
          const next = yield* added(state, chunk)
          const tookMillis = Number((yield* Clock.monotonicTimeNanos) - begunNanos) / 1e6
          // Streams that come as fast as they are read take half of the time in all; polls have the other half.
          if (tookMillis >= 1) yield* Effect.sleep(tookMillis * budget.size)
          return next
        }))
    )
  const merged = yield* Effect.acquireUseRelease(
    Effect.sync(() => budget.begin()),
    (mine) => Effect.raceFirst(together(mine), Effect.mapError(Deferred.await(mine.givenUp), garbled)),
    (mine) => Effect.sync(() => budget.end(mine))
  )
  const sequence = yield* Effect.fromOption(merged.final).pipe(Effect.mapError(() => garbled("no final chunk")))
  const endedNanos = yield* Clock.currentTimeNanos
  const isSweep = ServiceKinds.resultsOf(check) === "sweep"
  // The protocol has no such flag for streams: an agent with nothing new repeats the sequence and sends no data. Of a sweep
  // that has found nothing there is an empty list, so braces alone are none.
  const hasNothing = ResultsMerge.isEmpty(merged.merge) &&
    (lastSequence === "" ? isSweep && merged.merge.isBare : sequence === lastSequence)
  return {
    available: true,
    message: ResultsMerge.finish(merged.merge, check.serviceType),
    responseTimeNanos: endedNanos - startedNanos,
    agentId,
    sequence,
    hasNewData: !hasNothing
  }
})

interface Merged {
  readonly order: ChunkOrder.ChunkOrder
  readonly merge: ResultsMerge.ResultsMerge
  readonly final: Option.Option<string>
}
