/** What a child must not take too long for: its start, its next beat, its end. One limit runs at a time. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Shutdown from "../../../../domain/supervision/Shutdown.ts"
import type { BoundChild } from "../../ChildSpec.ts"
import { HeartbeatMissed, StartTimedOut } from "../../SupervisorError.ts"
import { watch, type Watched } from "../Watchdog.ts"
import { brutalStop } from "./BrutalStop.ts"
import type { Owner } from "./ChildOwner.ts"

/** A child as its limits need it. */
export interface LimitedChild<E> extends Watched {
  readonly bound: BoundChild<E>
  readonly path: string
  readonly owner: Pick<Owner<never>, "fork">
  /** The life that runs now. */
  readonly fiber: Fiber.Fiber<unknown, E> | undefined
  /** Whether the end that comes next was asked for by the supervisor. */
  readonly isAsked: boolean
  isClosing: boolean
  /** Why the end that comes next was forced, although nobody asked the child to stop. */
  forced: StartTimedOut | HeartbeatMissed | undefined
  /** What runs against the child now. */
  limit: Fiber.Fiber<unknown> | undefined
  failure: Cause.Cause<E>
  /** Forgets a fiber that did not end in time. */
  readonly abandon: () => void
  /** Tells the supervisor. */
  readonly tellAbandoned: Effect.Effect<unknown>
}

/** Ends a start that takes longer than the child's `startTimeout`. */
export const ofStart = <E>(child: LimitedChild<E>, onLeftBehind: () => void): void => {
  const { startTimeout } = child.bound.description
  if (startTimeout === undefined) return
  const limitMillis = Duration.toMillis(Duration.fromInputUnsafe(startTimeout))
  force(child, Effect.sleep(limitMillis), () => new StartTimedOut({ path: child.path, limitMillis }), onLeftBehind)
}

/** Ends a child that stopped beating like one that failed. */
export const ofSilence = <E>(child: LimitedChild<E>, onLeftBehind: () => void): void => {
  const { heartbeat } = child.bound.description
  if (heartbeat === undefined) return
  const periodMillis = Duration.toMillis(Duration.fromInputUnsafe(heartbeat))
  force(child, watch(heartbeat, child), () => new HeartbeatMissed({ path: child.path, periodMillis }), onLeftBehind)
}

/** When `due` is over, interrupts the child; leaves it behind when it does not end within its limit. */
const force = <E>(
  child: LimitedChild<E>,
  due: Effect.Effect<void>,
  why: () => StartTimedOut | HeartbeatMissed,
  onLeftBehind: () => void
): void => {
  const { fiber } = child
  const end = Effect.suspend(() => {
    if (fiber === undefined || child.fiber !== fiber || child.isAsked) return Effect.void
    child.limit = undefined
    const forced = child.forced = why()
    fiber.interruptUnsafe()
    return Effect.suspend(() => endedInTime(child, fiber)).pipe(
      Effect.flatMap(() => {
        if (child.fiber !== fiber || child.isAsked) return Effect.void
        child.abandon()
        child.failure = Cause.die(forced)
        onLeftBehind()
        return child.tellAbandoned
      })
    )
  })
  child.limit = child.owner.fork(Effect.andThen(due, end))
}

/** Leaves a child behind whose finalizers do not end within its limit after it ended by itself. */
export const ofEnd = <E>(child: LimitedChild<E>, onLeftBehind: () => void): Effect.Effect<void> =>
  Effect.suspend(() => {
    child.isClosing = true
    const limitMillis = Shutdown.limitMillis(child.bound.description.shutdown)
    const { fiber } = child
    if (child.isAsked || child.forced !== undefined || limitMillis === Number.POSITIVE_INFINITY) return Effect.void
    lift(child)
    const late = Effect.suspend(() => {
      if (fiber === undefined || child.fiber !== fiber || child.isAsked) return Effect.void
      child.limit = undefined
      child.abandon()
      onLeftBehind()
      return child.tellAbandoned
    })
    child.limit = child.owner.fork(
      Effect.andThen(limitMillis === 0 ? brutalStop(() => child.fiber !== fiber) : Effect.sleep(limitMillis), late)
    )
    return Effect.void
  })

export const lift = <E>(child: LimitedChild<E>): void => {
  const { limit } = child
  child.limit = undefined
  limit?.interruptUnsafe()
}

/** Until the fiber has ended or the limit is over. What came first is to be looked at anew by whoever waited. */
export const endedInTime = <E>(child: LimitedChild<E>, fiber: Fiber.Fiber<unknown, E>): Effect.Effect<unknown> => {
  const limitMillis = Shutdown.limitMillis(child.bound.description.shutdown)
  if (limitMillis === Number.POSITIVE_INFINITY) return Fiber.await(fiber)
  if (limitMillis === 0) return brutalStop(() => child.fiber !== fiber)
  return Effect.timeoutOption(Fiber.await(fiber), limitMillis)
}
