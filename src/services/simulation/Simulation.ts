/**
 * Leads worlds through fault plans, seed after seed, and tells of each promise that did not hold with the fewest faults that
 * still break it.
 */
import { type Fault, textOf } from "../../domain/simulation/FaultPlan.ts"
import { Seeded } from "../../domain/simulation/Seeded.ts"
import * as SequenceDiagram from "../../domain/simulation/SequenceDiagram.ts"
import * as Shrink from "../../domain/simulation/Shrink.ts"
import { Violation, type World } from "./World.ts"

/** A promise that must hold when the faults are over and the world has had its time to heal. */
export interface Healed {
  readonly name: string
  /** Why it does not hold. */
  readonly broken: () => string | undefined
}

/** A world ready to run. */
export interface Scene {
  readonly world: World
  readonly endMillis: number
  readonly healed: ReadonlyArray<Healed>
  /** Gives back what the world had of this machine. */
  readonly dispose?: () => void
}

export interface Scenario {
  /** The faults of a seed. */
  readonly plan: (random: Seeded) => ReadonlyArray<Fault>
  /** The world of a seed, with these faults. */
  readonly build: (seed: string, plan: ReadonlyArray<Fault>) => Scene
}

export interface Outcome {
  readonly seed: string
  readonly hash: string
  readonly events: number
  readonly plan: ReadonlyArray<Fault>
  readonly violation: Violation | undefined
  readonly world: World
}

export const planOf = (scenario: Scenario, seed: number | string): ReadonlyArray<Fault> =>
  scenario.plan(new Seeded(`${seed}`).split("faults"))

/** One seed, with its own faults or with others, and to its end or only `untilMillis`. */
export const run = (
  scenario: Scenario,
  seed: number | string,
  plan = planOf(scenario, seed),
  untilMillis = Infinity
): Outcome => {
  const scene = scenario.build(`${seed}`, plan)
  const violation = lead(scene, untilMillis)
  const { world } = scene
  return { seed: `${seed}`, hash: world.log.hash, events: world.log.count, plan, violation, world }
}

const lead = ({ dispose, endMillis, healed, world }: Scene, untilMillis: number): Violation | undefined => {
  try {
    if (untilMillis < endMillis) return world.runUntil(untilMillis)
    return world.runUntil(endMillis) ?? unhealed(world, healed)
  } finally {
    dispose?.()
  }
}

const unhealed = (world: World, healed: ReadonlyArray<Healed>): Violation | undefined => {
  for (const { broken, name } of healed) {
    const detail = broken()
    if (detail !== undefined) return new Violation({ invariant: name, detail, atMicros: world.nowMicros })
  }
  return undefined
}

/** How much later fewer faults may break the same promise. */
const laterMillis = 60_000

/**
 * The outcome with the fewest faults that break the same promise, as far as it is found in so many attempts. None goes on
 * for long after the time at which it broke, and `onAttempt` is told of each.
 */
export const shrink = (
  scenario: Scenario,
  { plan, seed, violation, world }: Outcome,
  { attemptsMax = 60, onAttempt = () => {} }: {
    readonly attemptsMax?: number
    readonly onAttempt?: (number: number, faults: number) => void
  } = {}
): Outcome => {
  const untilMillis = world.nowMillis + laterMillis
  let attempts = 0
  const fails = (part: ReadonlyArray<Fault>): boolean => {
    attempts += 1
    onAttempt(attempts, part.length)
    return run(scenario, seed, part, untilMillis).violation?.invariant === violation?.invariant
  }
  // What was to begin later had no part in it.
  const begun = plan.filter(({ atMillis }) => atMillis <= world.nowMillis)
  return run(scenario, seed, Shrink.fewest(begun, fails, attemptsMax), untilMillis)
}

const eventsShown = 40

/** For a person: what broke, by which faults, and what the parties did last. */
export const report = ({ plan, seed, violation, world }: Outcome): ReadonlyArray<string> =>
  violation === undefined ? [`seed ${seed}: nothing broke`] : [
    `${violation.invariant}: ${violation.detail}`,
    `seed ${seed}, at ${(violation.atMicros / 1_000_000).toFixed(3)} s, with ${plan.length} faults:`,
    ...plan.map((fault) => `  ${textOf(fault)}`),
    ...SequenceDiagram.draw(world.log.latest(eventsShown))
  ]
