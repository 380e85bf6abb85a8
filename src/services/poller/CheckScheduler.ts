/**
 * Runs the regular checks of one agent: at once, then on the interval, each on its own.
 *
 * A check has its own timeout, whatever the interval: what takes long through an agent would else never be up under a
 * short one. It never overlaps itself but skips the turns that it missed, and delays nobody. Every run ends in a status,
 * also when the agent does not answer.
 */
import { Clock, Effect, Metric, Option, Ref } from "effect"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import * as AgentClass from "../../domain/poller/AgentClass.ts"
import * as PollObserver from "../telemetry/PollObserver.ts"
import * as AgentLink from "./AgentLink.ts"
import { CoreReporter } from "./CoreReporter.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as Ticks from "./Ticks.ts"

/** Never ends by itself. */
export const run = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  const checks = link.checks.filter(({ check }) => Option.isNone(check.resultsInterval))
  if (checks.length === 0) return yield* Effect.never
  const loops = Effect.forEach(
    checks,
    (tracked) => Ticks.repeat(runOnce(link, tracked), link.pollInterval, { phase: link.phase, onTick: noteLateness }),
    { concurrency: "unbounded", discard: true }
  )
  yield* link.isKnown.await
  return yield* Effect.forever(Effect.raceFirst(loops, link.changed.await))
})

const noteLateness = (lateMillis: number) => Metric.update(PollerMetrics.latenessSeconds, lateMillis / 1_000)

const runOnce = Effect.fnUntraced(function*(link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) {
  const { agent, poller } = link
  const { check } = tracked
  const subject: PolledStatus.PollSubject = {
    poller,
    agentId: agent.agentId,
    host: yield* HostIdentity.use((identity) => identity.agentHost(link.agent)),
    check,
    source: "getStatus"
  }
  yield* Metric.update(PollerMetrics.polls, 1)
  const startedNanos = yield* Clock.currentTimeNanos
  const status = yield* AgentLink.ask(link, (connection) => connection.getStatus(check, check.timeout))
    .pipe(
      Effect.tap(() => Metric.update(PollerMetrics.pollsSuccessful, 1)),
      Effect.map((reply) => PolledStatus.fromReply(subject, reply)),
      Effect.catch((error) =>
        Effect.as(
          Metric.update(PollerMetrics.pollsFailed, 1),
          PolledStatus.fromFailure(subject, error.message)
        )
      )
    )
  const endedNanos = yield* Clock.currentTimeNanos
  yield* Metric.update(
    PollerMetrics.pollSecondsOf[AgentClass.classOf(agent.security)],
    Number(endedNanos - startedNanos) / 1e9
  )
  yield* Effect.annotateCurrentSpan({ "service.available": status.available })
  const measuredAtMillis = yield* Clock.currentTimeMillis
  yield* PollObserver.tell({ status, check, host: subject.host, measuredAtMillis })
  const before = yield* Ref.getAndSet(tracked.available, Option.some(status.available))
  const reporter = yield* CoreReporter
  yield* reporter.report({
    key: tracked.key,
    status,
    measuredAtMillis,
    isUrgent: Option.isNone(before) || before.value !== status.available
  })
}, (effect, link, { check }) =>
  // A trace of its own, which goes on in the agent: not a part of the scheduler's life.
  Effect.withSpan(effect, PollObserver.pollSpan, {
    root: true,
    captureStackTrace: false,
    attributes: {
      "agent.id": link.agent.agentId,
      "service.type": check.serviceType,
      "service.check": check.serviceName
    }
  }))
