/**
 * Follows the statuses of traces that are kept until core has acknowledged them: a trace begins with the schedule's turn,
 * goes on in the agent, and ends with core's word on what was measured.
 */
import { Clock, Context, Effect, Exit, Option, Tracer } from "effect"
import type { WaitingStatus } from "./buffer/StatusBuffer.ts"

export const deliverySpan = "CoreReporter.deliver"

/** While core is away for long, those that come later are not followed. */
const openMax = 1_000

/** One for each reporter: the report as it is to be kept. */
export const make = () => {
  let open = 0

  const follow = Effect.fnUntraced(function*(report: WaitingStatus, parent: Tracer.AnySpan) {
    const span = yield* Effect.makeSpan(deliverySpan, { parent, kind: "producer" })
    if (!span.sampled) return report
    open += 1
    const end = (isDelivered: boolean) =>
      Effect.map(Clock.currentTimeNanos, (now) => {
        open -= 1
        span.attribute("report.delivered", isDelivered)
        span.end(now, Exit.void)
      })
    return {
      ...report,
      settled: (isDelivered) => Effect.andThen(end(isDelivered), report.settled?.(isDelivered) ?? Effect.void)
    } satisfies WaitingStatus
  })

  return (report: WaitingStatus): Effect.Effect<WaitingStatus> =>
    Effect.contextWith((context: Context.Context<never>) => {
      // Nobody is told of the spans of the native one.
      const isTold = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer && open < openMax
      const parent = isTold ? Context.getOption(context, Tracer.ParentSpan) : Option.none()
      return Option.isSome(parent) && parent.value.sampled ? follow(report, parent.value) : Effect.succeed(report)
    })
}
