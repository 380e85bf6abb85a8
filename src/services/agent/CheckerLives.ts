/** The fibers of the checkers: begun, kept alive, and ended, each as a child of the supervisor of its kind. */
import { Cause, Effect, Exit, Schedule } from "effect"
import { AgentBusy, AgentNotReady, type CheckError } from "../monitoring/CheckError.ts"
import { checkWithin, type Prober } from "../monitoring/Prober.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import { CheckerBudgets } from "./CheckerBudgets.ts"
import { type CheckerHouses, restartPause } from "./CheckerHouses.ts"
import * as Slot from "./CheckerSlot.ts"
import type { CheckerSlot } from "./CheckerSlot.ts"
import { CheckerSlots } from "./CheckerSlots.ts"

export interface LivesParts {
  readonly prober: Prober["Service"]
  readonly houses: CheckerHouses
  readonly checkersMax: number
  /** Milliseconds that only go forward. */
  readonly now: () => number
}

export class CheckerLives {
  readonly slots = new CheckerSlots()
  readonly budgets: CheckerBudgets
  readonly #parts: LivesParts

  constructor(parts: LivesParts) {
    this.#parts = parts
    this.budgets = new CheckerBudgets(parts.checkersMax)
  }

  start(slot: CheckerSlot): Effect.Effect<void> {
    const { checkersMax, houses } = this.#parts
    const { restart, shutdown, supervisor } = houses.of(slot.request.serviceType)
    return supervisor.startChild(Supervisor.child({
      id: slot.id,
      restart,
      shutdown,
      backoff: { schedule: Schedule.spaced(restartPause) },
      run: this.#live(slot)
    })).pipe(
      Effect.asVoid,
      Effect.catchTags({
        SupervisorGone: () => new AgentNotReady(),
        ChildRefused: () => new AgentBusy({ checkersMax }),
        ChildStartError: () => Effect.void,
        InvalidChildSpec: (error) => Effect.die(error)
      }),
      Effect.catch((error) =>
        Effect.sync(() => {
          this.slots.forget(slot)
          this.slots.freeId(slot)
          Slot.answer(slot, Exit.fail(error))
        })
      )
    )
  }

  /** Returns when the supervisor knows the checker no more. */
  end(slot: CheckerSlot): Effect.Effect<void> {
    return Effect.andThen(
      Effect.ignore(this.#parts.houses.of(slot.request.serviceType).supervisor.terminateChild(slot.id)),
      Effect.sync(() => this.slots.freeId(slot))
    )
  }

  /** Forgets it, and does not wait for its end. */
  retire(slot: CheckerSlot, onEnded: Effect.Effect<void> = Effect.void): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.slots.forget(slot)
      if (slot.isRetired) return Effect.void
      slot.isRetired = true
      return Effect.asVoid(Effect.forkDetach(Effect.ensuring(this.end(slot), onEnded)))
    })
  }

  /** What it found; it is well again. */
  answered(slot: CheckerSlot, answer: Slot.Answer): void {
    if (!this.budgets.isEmpty) this.budgets.answered(slot.key, this.#parts.now())
    Slot.answer(slot, answer)
  }

  /** A checker that broke is started again in any case; resting, it is not asked. */
  noteBreak(slot: CheckerSlot, reason: string | undefined): Effect.Effect<void> {
    if (reason === undefined) return Effect.void
    return Effect.suspend(() =>
      this.budgets.broke(slot.key, reason, this.#parts.now())
        ? Effect.logWarning(`checker ${slot.id} broke too often and rests: ${reason}`)
        : Effect.void
    )
  }

  /** One life of a checker: ends by a request that makes no sense, or by a defect. */
  #live(slot: CheckerSlot): Effect.Effect<void> {
    const { now, prober } = this.#parts
    return Effect.gen({ self: this }, function*() {
      slot.defect = undefined
      yield* slot.asked.await
      const checker = yield* prober.prepare(slot.request)
      yield* Effect.addFinalizer(() => Effect.sync(() => slot.stop?.()))
      slot.checker = checker
      Slot.restartClock(slot, now())
      for (;;) {
        const exit = yield* Effect.exit(
          checker.isBounded === true ? checker.check : checkWithin(checker, checker.timeout)
        )
        if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
        this.answered(slot, exit)
        yield* slot.asked.await
        const defect = Slot.defectOfCheck(slot)
        if (defect !== undefined) return yield* Effect.die(defect.cause)
      }
    }).pipe(
      Effect.scoped,
      Effect.onExit((exit) => Effect.suspend(() => this.#ended(slot, exit))),
      // Whoever asked has been told; asking again makes a new checker.
      Effect.ignore
    )
  }

  #ended(slot: CheckerSlot, exit: Exit.Exit<void, CheckError>): Effect.Effect<void> {
    const { restart } = this.#parts.houses.of(slot.request.serviceType)
    // Interrupted, it or its supervisor was stopped; what is asked then begins another.
    const isLast = restart === "temporary" || Exit.isSuccess(exit) || Cause.hasFails(exit.cause) ||
      Cause.hasInterruptsOnly(exit.cause)
    const answer = Exit.isFailure(exit) ? Slot.endOf(slot, exit.cause) : Slot.notReady
    slot.checker = undefined
    return this.noteBreak(slot, Exit.isFailure(exit) ? Slot.defectOf(exit.cause) : undefined).pipe(
      Effect.andThen(isLast ? this.retire(slot) : Effect.void),
      Effect.andThen(Effect.sync(() => Slot.answer(slot, answer)))
    )
  }
}
