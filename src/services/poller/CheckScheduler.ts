/**
 * Runs the regular checks of one agent: at once, then on the interval, each on its own.
 *
 * A check has its own timeout, whatever the interval: what takes long through an agent would else never be up under a
 * short one. It never overlaps itself but skips the turns that it missed, and delays nobody, unless more are asked for at once
 * than there are places: 64 at one agent, 4,096 at all. Every run ends in a status,
 * also when the agent does not answer.
 */
import { Clock, Context, Effect, Option, Ref, Tracer } from "effect"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import type { AgentHost } from "../../domain/monitoring/reports/Enrichment.ts"
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

const noteLateness = (lateMillis: number) =>
  Effect.contextWith((context: Context.Context<never>) => {
    PollerMetrics.latenessSeconds.updateUnsafe(lateMillis / 1_000, context)
    return Effect.void
  })

type Services = CoreReporter | HostIdentity

/** A trace of its own, which goes on in the agent: not a part of the scheduler's life. */
const runOnce = (link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) =>
  Effect.contextWith((context: Context.Context<Services>) => {
    // A span that nobody is told of costs more than it is worth.
    if (Context.get(context, Tracer.Tracer) === Tracer.nativeTracer) return measure(link, tracked, context, undefined)
    const attributes = {
      "agent.id": link.terms.agent.agentId,
      "service.type": tracked.check.serviceType,
      "service.check": tracked.check.serviceName
    }
    return Effect.useSpan(
      PollObserver.pollSpan,
      { root: true, attributes },
      (span) => Effect.withParentSpan(measure(link, tracked, context, span), span, { captureStackTrace: false })
    )
  })

/** The same object for as long as what it says: much is made of it once. */
const subjects = new WeakMap<AgentLink.TrackedCheck, PolledStatus.PollSubject>()

const subjectOf = (
  tracked: AgentLink.TrackedCheck,
  poller: PolledStatus.PollerIdentity,
  agentId: AgentId,
  host: AgentHost
): PolledStatus.PollSubject => {
  const before = subjects.get(tracked)
  if (before !== undefined && before.host === host && before.poller === poller && before.agentId === agentId) {
    return before
  }
  const subject: PolledStatus.PollSubject = { poller, agentId, host, check: tracked.check, source: "getStatus" }
  subjects.set(tracked, subject)
  return subject
}

/** Every step of it is paid for with each poll, so what can be asked of the context at once is. */
const measure = (
  link: AgentLink.AgentLink,
  tracked: AgentLink.TrackedCheck,
  context: Context.Context<Services>,
  span: Tracer.Span | undefined
) => {
  const { agent, poller } = link.terms
  const { check } = tracked
  const clock = Context.get(context, Clock.Clock)
  const took = PollerMetrics.pollSecondsOf[AgentClass.classOf(agent.security)]
  return Effect.flatMap(Context.get(context, HostIdentity).agentHost(agent), (host) => {
    const subject = subjectOf(tracked, poller, agent.agentId, host)
    const startedNanos = clock.monotonicTimeNanosUnsafe()
    const conclude = (status: ServiceStatus, counted: typeof PollerMetrics.pollsFailed, seconds: number) => {
      span?.attribute("service.available", status.available)
      const measuredAtMillis = clock.currentTimeMillisUnsafe()
      PollerMetrics.polls.updateUnsafe(1, context)
      counted.updateUnsafe(1, context)
      took.updateUnsafe(seconds, context)
      return Effect.andThen(
        PollObserver.tell({ status, check, host, measuredAtMillis }),
        report(tracked, Context.get(context, CoreReporter), status, measuredAtMillis)
      )
    }
    const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - startedNanos) / 1e9
    return Effect.matchEffect(
      AgentLink.askStatus(link, (connection) => connection.getStatus(check, check.timeout, span ?? "none")),
      {
        onSuccess: (reply) => {
          const seconds = elapsed()
          return Effect.flatMap(
            ReplyPlugins.apply(subject, reply),
            (told) => conclude(PolledStatus.fromReply(subject, told), PollerMetrics.pollsSuccessful, seconds)
          )
        },
        onFailure: ({ message }) =>
          conclude(PolledStatus.fromFailure(subject, message), PollerMetrics.pollsFailed, elapsed())
      }
    )
  })
}

const report = (
  { available, key }: AgentLink.TrackedCheck,
  reporter: CoreReporter["Service"],
  status: ServiceStatus,
  measuredAtMillis: number
) =>
  Effect.suspend(() => {
    const before = Ref.getUnsafe(available)
    const isUrgent = Option.isNone(before) || before.value !== status.available
    const handedOver = reporter.report({ key, status, measuredAtMillis, isUrgent })
    return isUrgent ? Effect.andThen(Ref.set(available, Option.some(status.available)), handedOver) : handedOver
  })
