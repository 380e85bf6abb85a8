/**
 * Faults for a tree that nobody knows beforehand, drawn from a seed.
 *
 * A step names its child by a number between 0 and 1, its place among those that run when its turn comes: so a plan fits
 * trees whose children come and go, and is still a plan after a step before it was left out.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export const faults = ["crash", "kill", "complete", "failStarts", "slowStart", "slowStop", "flood", "wait"] as const
export type Fault = typeof faults[number]

export interface Step {
  readonly fault: Fault
  /** Which of the children that run, from 0 to 1. */
  readonly target: number
  /** Starts that fail, or requests at once. */
  readonly times: number
  /** How long a start or a stop takes, or time passes. */
  readonly millis: number
}

export interface FaultPlan {
  readonly seed: number
  /** Each fiber of the tree gives way after so many steps. */
  readonly stepsMax: number
  readonly steps: ReadonlyArray<Step>
}

export interface PlanOptions {
  /** Default 12. */
  readonly steps?: number
  /** Which to draw from. Default all. */
  readonly faults?: ReadonlyArray<Fault>
  /** The longest wait, start or stop. Default 10 seconds. */
  readonly millisMax?: number
}

const stepsDefault = 12
const millisMaxDefault = 10_000

const draw = ({ faults: some = faults, millisMax = millisMaxDefault }: PlanOptions) =>
  Effect.gen(function*(): Effect.fn.Return<Step> {
    const index = yield* Random.nextIntBetween(0, some.length - 1)
    return {
      fault: some[index] ?? "wait",
      target: yield* Random.next,
      times: yield* Random.nextIntBetween(1, 3),
      // Short waits as often as long ones: what matters happens within a period, or after it.
      millis: Math.ceil(millisMax ** (yield* Random.next))
    }
  })

/** The same seed and options give the same plan. */
export const make = (seed: number, options: PlanOptions = {}): Effect.Effect<FaultPlan> =>
  Effect.gen(function*() {
    const stepsMax = yield* Random.nextIntBetween(5, 120)
    const steps = yield* Effect.forEach(Array.from({ length: options.steps ?? stepsDefault }), () => draw(options))
    return { seed, stepsMax, steps }
  }).pipe(Random.withSeed(seed))

export const describe = ({ fault, millis, times }: Step, child: string): string => {
  switch (fault) {
    case "failStarts":
      return `the next ${times} starts of ${child} fail`
    case "slowStart":
    case "slowStop":
      return `${fault === "slowStart" ? "starts" : "stops"} of ${child} take ${millis} ms`
    case "flood":
      return `${times * 100} requests at once`
    case "wait":
      return `${millis} ms pass`
    case "crash":
    case "kill":
    case "complete":
      return `${fault} ${child}`
  }
}
