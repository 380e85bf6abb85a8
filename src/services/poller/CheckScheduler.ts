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
import * as CheckLoops from "./CheckLoops.ts"
import { CoreReporter } from "./CoreReporter.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

/** Never ends by itself. */
export const run = (link: AgentLink.AgentLink) =>
  CheckLoops.run(link, {
    intervalOf: ({ interval, resultsInterval }, { pollInterval }) =>
      Option.isSome(resultsInterval) ? Option.none() : Option.some(Option.getOrElse(interval, () => pollInterval)),
    onTick: noteLateness,
    poll: (tracked) => runOnce(link, tracked)
  })

const noteLateness = (lateMillis: number) => Metric.update(PollerMetrics.latenessSeconds, lateMillis / 1_000)

const runOnce = Effect.fnUntraced(function*(link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) {
  const { agent, poller } = link.terms
  const { check } = tracked
  const subject: PolledStatus.PollSubject = {
    poller,
    agentId: agent.agentId,
    host: yield* HostIdentity.use((identity) => identity.agentHost(agent)),
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
      "agent.id": link.terms.agent.agentId,
      "service.type": check.serviceType,
      "service.check": check.serviceName
    }
  }))
