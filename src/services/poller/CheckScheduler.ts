/**
 * Runs the regular checks of one agent: at once, then on the interval, each on its own.
 *
 * A check has its own timeout, whatever the interval: what takes long through an agent would else never be up under a
 * short one. It never overlaps itself but skips the turns that it missed, and delays nobody, unless more are asked for at once
 * than there are places: 64 at one agent, 4,096 at all. Every run ends in a status,
 * also when the agent does not answer.
 */
import { type Context, Effect, Metric, Option, Ref, Tracer } from "effect"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import * as AgentClass from "../../domain/poller/AgentClass.ts"
import * as PollObserver from "../telemetry/PollObserver.ts"
import * as AgentLink from "./AgentLink.ts"
import * as CheckLoops from "./CheckLoops.ts"
import { CoreReporter } from "./CoreReporter.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as ReplyPlugins from "./plugins/ReplyPlugins.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

/** Never ends by itself. */
export const run = (link: AgentLink.AgentLink) =>
  CheckLoops.run(link, {
    intervalOf: ({ interval, resultsInterval }, { pollInterval }) =>
      Option.isSome(resultsInterval) ? Option.none() : Option.some(Option.getOrElse(interval, () => pollInterval)),
    onTick: noteLateness,
    poll: (tracked) => AgentLink.inPlace(link, runOnce(link, tracked))
  })

const noteLateness = (lateMillis: number) => Metric.update(PollerMetrics.latenessSeconds, lateMillis / 1_000)

/** A trace of its own, which goes on in the agent: not a part of the scheduler's life. */
const runOnce = (link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) =>
  Effect.flatMap(Tracer.Tracer, (tracer) => {
    // A span that nobody is told of costs more than it is worth.
    if (tracer === Tracer.nativeTracer) return measure(link, tracked, undefined)
    const attributes = {
      "agent.id": link.terms.agent.agentId,
      "service.type": tracked.check.serviceType,
      "service.check": tracked.check.serviceName
    }
    return Effect.useSpan(
      PollObserver.pollSpan,
      { root: true, attributes },
      (span) => Effect.withParentSpan(measure(link, tracked, span), span, { captureStackTrace: false })
    )
  })

const measure = (link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck, span: Tracer.Span | undefined) => {
  const { agent, poller } = link.terms
  const { check } = tracked
  const took = PollerMetrics.pollSecondsOf[AgentClass.classOf(agent.security)]
  return Effect.flatMap(HostIdentity, (identity) =>
    Effect.flatMap(identity.agentHost(agent), (host) => {
      const subject: PolledStatus.PollSubject = { poller, agentId: agent.agentId, host, check, source: "getStatus" }
      return Effect.clockWith((clock) => {
        const startedNanos = clock.monotonicTimeNanosUnsafe()
        const asking = AgentLink.ask(link, (connection) => connection.getStatus(check, check.timeout, span ?? "none"))
        const conclude = (status: ServiceStatus, counted: typeof PollerMetrics.pollsFailed, seconds: number) => {
          span?.attribute("service.available", status.available)
          const measuredAtMillis = clock.currentTimeMillisUnsafe()
          return Effect.andThen(
            Effect.andThen(count(counted, took, seconds), PollObserver.tell({ status, check, host, measuredAtMillis })),
            report(tracked, status, measuredAtMillis)
          )
        }
        const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - startedNanos) / 1e9
        return Effect.matchEffect(asking, {
          onSuccess: (reply) => {
            const seconds = elapsed()
            return Effect.flatMap(ReplyPlugins.apply(subject, reply), (told) =>
              conclude(PolledStatus.fromReply(subject, told), PollerMetrics.pollsSuccessful, seconds))
          },
          onFailure: ({ message }) =>
            conclude(PolledStatus.fromFailure(subject, message), PollerMetrics.pollsFailed, elapsed())
        })
      })
    }))
}

const count = (counted: typeof PollerMetrics.pollsFailed, took: Metric.Histogram<number>, seconds: number) =>
  Effect.contextWith((context: Context.Context<never>) => {
    PollerMetrics.polls.updateUnsafe(1, context)
    counted.updateUnsafe(1, context)
    took.updateUnsafe(seconds, context)
    return Effect.void
  })

const report = ({ available, key }: AgentLink.TrackedCheck, status: ServiceStatus, measuredAtMillis: number) =>
  Effect.flatMap(
    CoreReporter,
    (reporter) =>
      Effect.flatMap(Ref.getAndSet(available, Option.some(status.available)), (before) =>
        reporter.report({
          key,
          status,
          measuredAtMillis,
          isUrgent: Option.isNone(before) || before.value !== status.available
        }))
  )
