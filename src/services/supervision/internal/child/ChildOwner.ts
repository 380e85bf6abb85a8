/** What a child and its supervisor have to do with each other while the child lives. */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { SupervisionEvent } from "../../../../domain/supervision/SupervisionEvent.ts"
import type { SupervisorPosition } from "./ChildPosition.ts"

/** How a start ended. */
export type StartResult = "Started" | "Ignored" | "StartFailed"

/** The supervisor above, as its children, its `Child`, need it. */
export interface Owner<Child> extends SupervisorPosition {
  readonly path: string
  readonly clock: Clock.Clock
  readonly publish: (event: SupervisionEvent) => void
  /** A child did not end within its limit and was left behind. */
  readonly abandoned: (record: Child) => Effect.Effect<unknown>
  /** A fiber that no child is any more, for it was left behind, has ended. */
  readonly strayEnded: (record: Child, exit: Exit.Exit<unknown, unknown>) => void
  /**
   * Runs an effect in a fiber of its own, from here to its first wait: between the decision to start something and its
   * being there, nobody else has a turn.
   */
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
}

/** Whole milliseconds of the monotonic clock. */
export const monotonicMillis = (clock: Clock.Clock): number =>
  // A division of bigints costs several times as much, at each end and start of a child.
  Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)
