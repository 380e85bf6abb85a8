/**
 * Runs the regular checks of one agent: at once, then on the interval, each on its own.
 *
 * A check has its own timeout, whatever the interval: what takes long through an agent would else never be up under a
 * short one. It never overlaps itself but skips the turns that it missed, and delays nobody, unless more are asked for at once
 * than there are places: 64 at one agent, 4,096 at all. Every run ends in a status,
 * also when the agent does not answer.
 */
import { Clock, Context, Effect, Fiber, Option, Ref, Tracer } from "effect"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import * as AgentClass from "../../domain/poller/AgentClass.ts"
import * as PollObserver from "../telemetry/PollObserver.ts"
import type { AgentConnection, AgentError, StatusReply } from "./AgentClient.ts"
import * as AgentLink from "./AgentLink.ts"
import * as CheckLoops from "./CheckLoops.ts"
import { CoreReporter } from "./CoreReporter.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as ReplyPlugins from "./plugins/ReplyPlugins.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as Claims from "./polls/Claims.ts"
import * as LargeReplies from "./polls/LargeReplies.ts"
import * as PollSubjects from "./polls/PollSubjects.ts"

/** Never ends by itself. */
export const run = (link: AgentLink.AgentLink) =>
  CheckLoops.run(link, {
    intervalOf: ({ interval, resultsInterval }, { pollInterval }) =>
      Option.isSome(resultsInterval) ? Option.none() : Option.some(Option.getOrElse(interval, () => pollInterval)),
    onTick: noteLateness,
    poll: (tracked) => pollOnce(link, tracked)
  })

const noteLateness = (lateMillis: number, context: Context.Context<never>): void =>
  PollerMetrics.latenessSeconds.updateUnsafe(lateMillis / 1_000, context)

type Services = CoreReporter | HostIdentity

/**
 * In one step of the runtime where nothing stands in the way, else the long way: with a span for who listens, plugins, and
 * what is to be done about an agent that fails.
 */
const pollOnce = (link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck) =>
  Effect.contextWith((context: Context.Context<Services>) => {
    const theLongWay = () => AgentLink.inPlace(link, traced(link, tracked, context))
    const clock = Context.get(context, Clock.Clock)
    const subject = PollSubjects.known(link, tracked, clock.currentTimeMillisUnsafe())
    // A span that nobody is told of costs more than it is worth.
    const isTraced = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer
    if (subject === undefined || isTraced || Context.get(context, ReplyPlugins.ReplyPlugins).slots().length > 0) {
      return theLongWay()
    }
    return Effect.callback<void, never, Services>((resume) => {
      const startedNanos = clock.monotonicTimeNanosUnsafe()
      const agentClass = classOf(link)
      const cancel = AgentLink.askNow(link, tracked.check, clock, context, (answer) => {
        if (answer._tag === "Reply") {
          return resume(concludeReply({ link, tracked, subject, context, agentClass, startedNanos }, answer.reply))
        }
        resume(measure(link, tracked, context, undefined, { startedNanos, asking: () => answer.rest }))
      })
      if (cancel === undefined) resume(theLongWay())
      return cancel === undefined ? undefined : Effect.sync(cancel)
    })
  })

/** A trace of its own, which goes on in the agent: not a part of the scheduler's life. */
const traced = (link: AgentLink.AgentLink, tracked: AgentLink.TrackedCheck, context: Context.Context<Services>) =>
  Effect.suspend(() => {
    const { check } = tracked
    const startedNanos = Context.get(context, Clock.Clock).monotonicTimeNanosUnsafe()
    const poll = (span: Tracer.Span | undefined) =>
      measure(link, tracked, context, span, {
        startedNanos,
        asking: (connection) => connection.getStatus(check, check.timeout, span ?? "none")
      })
    if (Context.get(context, Tracer.Tracer) === Tracer.nativeTracer) return poll(undefined)
    const attributes = {
      "agent.id": link.terms.agent.agentId,
      "service.type": check.serviceType,
      "service.check": check.serviceName
    }
    return Effect.useSpan(
      PollObserver.pollSpan,
      { root: true, attributes },
      (span) => Effect.withParentSpan(poll(span), span, { captureStackTrace: false })
    )
  })

const classOf = (link: AgentLink.AgentLink): AgentClass.AgentClass => AgentClass.classOf(link.terms.agent.security)

interface Asked {
  readonly startedNanos: bigint
  readonly asking: (connection: AgentConnection) => Effect.Effect<StatusReply, AgentError>
}

/** Every step of it is paid for with each poll, so what can be asked of the context at once is. */
const measure = (
  link: AgentLink.AgentLink,
  tracked: AgentLink.TrackedCheck,
  context: Context.Context<Services>,
  span: Tracer.Span | undefined,
  { asking, startedNanos }: Asked
) =>
  Effect.flatMap(Context.get(context, HostIdentity).agentHost(link.terms.agent), (host) => {
    const clock = Context.get(context, Clock.Clock)
    const subject = PollSubjects.make(link, tracked, host, clock.currentTimeMillisUnsafe())
    const about = { link, tracked, subject, context, agentClass: classOf(link), startedNanos, span }
    return Effect.matchEffect(AgentLink.askStatus(link, asking), {
      onSuccess: (reply) => {
        const endedNanos = clock.monotonicTimeNanosUnsafe()
        return Effect.flatMap(
          ReplyPlugins.apply(subject, reply),
          (told) => concludeReply({ ...about, endedNanos }, told)
        )
      },
      onFailure: ({ message }) => conclude(about, PolledStatus.fromFailure(subject, message), PollerMetrics.pollsFailed)
    })
  })

interface Concluded {
  readonly link: AgentLink.AgentLink
  readonly tracked: AgentLink.TrackedCheck
  readonly subject: PolledStatus.PollSubject
  readonly context: Context.Context<Services>
  readonly agentClass: AgentClass.AgentClass
  readonly startedNanos: bigint
  /** Now unless told. */
  readonly endedNanos?: bigint
  readonly span?: Tracer.Span | undefined
}

const concludeReply = (about: Concluded, reply: StatusReply): Effect.Effect<void> => {
  const { context, link, subject } = about
  if (Claims.isOthers(link, reply.agentId)) {
    return Effect.andThen(Claims.note(link, reply.agentId), concludeReply(about, { ...reply, agentId: "" }))
  }
  if (!LargeReplies.isLarge(reply)) {
    return conclude(about, PolledStatus.fromReply(subject, reply), PollerMetrics.pollsSuccessful)
  }
  // That it is then read takes no part in what the agent took.
  const endedNanos = about.endedNanos ?? Context.get(context, Clock.Clock).monotonicTimeNanosUnsafe()
  return toItsEnd(Effect.flatMap(
    LargeReplies.statusOf(subject, reply),
    (status) => conclude({ ...about, endedNanos }, status, PollerMetrics.pollsSuccessful)
  ))
}

/** Leaves the reports time within the 10 s of the process. */
const lastWait = "3 seconds"

/** What an agent has answered is reported, also where its check or the poller ends while it is read. */
const toItsEnd = (work: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(work),
      (reading) =>
        Effect.onInterrupt(restore(Fiber.join(reading)), () =>
          Effect.asVoid(Effect.timeoutOption(Fiber.await(reading), lastWait)))
    )
  )

/** Counts the poll, tells who listens, and hands it to the reporter. */
const conclude = (
  { agentClass, context, endedNanos, span, startedNanos, subject, tracked }: Concluded,
  status: ServiceStatus,
  counted: typeof PollerMetrics.pollsFailed
): Effect.Effect<void> => {
  const { check, host } = subject
  const clock = Context.get(context, Clock.Clock)
  span?.attribute("service.available", status.available)
  const measuredAtMillis = clock.currentTimeMillisUnsafe()
  const seconds = Number((endedNanos ?? clock.monotonicTimeNanosUnsafe()) - startedNanos) / 1e9
  PollerMetrics.polls.updateUnsafe(1, context)
  counted.updateUnsafe(1, context)
  PollerMetrics.pollSecondsOf[agentClass].updateUnsafe(seconds, context)
  const reported = report(tracked, Context.get(context, CoreReporter), status, measuredAtMillis)
  return PollObserver.isTold(context)
    ? Effect.andThen(PollObserver.tell({ status, check, host, measuredAtMillis }), reported)
    : reported
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
