/** Reads how a child's fiber ended. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ExitClass, Restart } from "../../../domain/supervision/ChildExit.ts"
import { safely } from "../../../domain/supervision/FailureText.ts"
import { describeCause, isShutdown } from "../SupervisorError.ts"

class OrderlyExit extends Data.TaggedError("OrderlyExit")<{ readonly reason: string }> {
  override get message(): string {
    return this.reason
  }
}

/**
 * Ends a child as OTP's `{shutdown, Reason}` does: orderly, so a transient child is not restarted. Adds nothing to the
 * child's error type, for nobody above has to handle it.
 */
export const exitShutdown = (reason: string): Effect.Effect<never> => Effect.die(new OrderlyExit({ reason }))

/**
 * Interruption counts as an orderly end when the supervisor asked for it, and as a kill when somebody else did.
 * A supervisor below that ended by its own decision ended in order, as in OTP: only a permanent one is restarted.
 */
export const classify = (exit: Exit.Exit<unknown, unknown>, isAsked: boolean): ExitClass => {
  if (exit._tag === "Success") return "normal"
  if (Cause.hasInterruptsOnly(exit.cause)) return isAsked ? "shutdown" : "killed"
  return exit.cause.reasons.every(isOrderly) ? "shutdown" : "failure"
}

/**
 * Whether a child that is being stopped should have ended otherwise: by a failure or by somebody else's hand, and a
 * permanent one also of itself. A supervisor below that ended by its own decision is as good as stopped.
 */
export const isUnexpected = (exit: Exit.Exit<unknown, unknown>, reason: ExitClass, restart: Restart): boolean => {
  if (reason === "failure" || reason === "killed") return true
  if (restart !== "permanent") return false
  return exit._tag === "Success" || exit.cause.reasons.some(Cause.isDieReason)
}

const isOrderly = (reason: Cause.Reason<unknown>): boolean => {
  switch (reason._tag) {
    case "Interrupt":
      return true
    case "Fail":
      return isShutdown(reason.error)
    case "Die":
      return safely(() => reason.defect instanceof OrderlyExit, false)
  }
}

/** One line about the end; empty after success. */
export const describe = (exit: Exit.Exit<unknown, unknown>): string =>
  exit._tag === "Success" ? "" : describeCause(exit.cause)
