/** What a child must not take too long for: its start, its next beat, its end. One limit runs at a time. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Shutdown from "../../../../domain/supervision/Shutdown.ts"
import { HeartbeatMissed, StartTimedOut } from "../../SupervisorError.ts"
import { watch } from "../Watchdog.ts"
import { brutalStop } from "./BrutalStop.ts"
import type { ChildRecord } from "./ChildRecord.ts"

/** Ends a start that takes longer than the child's `startTimeout`. */
export const ofStart = <E>(child: ChildRecord<E>, onLeftBehind: () => void): void => {
  const { startTimeout } = child.bound.description
  if (startTimeout === undefined) return
  const limitMillis = Duration.toMillis(Duration.fromInputUnsafe(startTimeout))
  force(child, Effect.sleep(limitMillis), () => new StartTimedOut({ path: child.path, limitMillis }), onLeftBehind)
}

/** Ends a child that stopped beating like one that failed. */
export const ofSilence = <E>(child: ChildRecord<E>, onLeftBehind: () => void): void => {
  const { heartbeat } = child.bound.description
  if (heartbeat === undefined) return
  const periodMillis = Duration.toMillis(Duration.fromInputUnsafe(heartbeat))
  force(child, watch(heartbeat, child), () => new HeartbeatMissed({ path: child.path, periodMillis }), onLeftBehind)
}

/** When `due` is over, interrupts the child; leaves it behind when it does not end within its limit. */
const force = <E>(
  child: ChildRecord<E>,
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
        return child.owner.abandoned(child)
      })
    )
  })
  child.limit = child.owner.fork(Effect.andThen(due, end))
}

/** Leaves a child behind whose finalizers do not end within its limit after it ended by itself. */
export const ofEnd = <E>(child: ChildRecord<E>, onLeftBehind: () => void): Effect.Effect<void> =>
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
      return child.owner.abandoned(child)
    })
    child.limit = child.owner.fork(
      Effect.andThen(limitMillis === 0 ? brutalStop(() => child.fiber !== fiber) : Effect.sleep(limitMillis), late)
    )
    return Effect.void
  })

export const lift = <E>(child: ChildRecord<E>): void => {
  const { limit } = child
  child.limit = undefined
  limit?.interruptUnsafe()
}

/** Until the fiber has ended or the limit is over. What came first is to be looked at anew by whoever waited. */
export const endedInTime = <E>(child: ChildRecord<E>, fiber: Fiber.Fiber<unknown, E>): Effect.Effect<unknown> => {
  const limitMillis = Shutdown.limitMillis(child.bound.description.shutdown)
  if (limitMillis === Number.POSITIVE_INFINITY) return Fiber.await(fiber)
  if (limitMillis === 0) return brutalStop(() => child.fiber !== fiber)
  return Effect.timeoutOption(Fiber.await(fiber), limitMillis)
}
