/**
 * Leads worlds through fault plans, seed after seed, and tells of each promise that did not hold with the fewest faults that
 * still break it.
 */
import { type Fault, textOf } from "../../domain/simulation/FaultPlan.ts"
import { Seeded } from "../../domain/simulation/Seeded.ts"
import * as SequenceDiagram from "../../domain/simulation/SequenceDiagram.ts"
import * as Shrink from "../../domain/simulation/Shrink.ts"
import { type About, thrownText, Violation, type World } from "./World.ts"

/** A promise that must hold when the faults are over and the world has had its time to heal. */
export interface Healed {
  readonly name: string
  /** Why it does not hold, and where to look, when that is not at the end. */
  readonly broken: () => string | Broken | undefined
}

export interface Broken {
  readonly detail: string
  readonly about: About
}

/** A world ready to run. */
export interface Scene {
  readonly world: World
  readonly endMillis: number
  readonly healed: ReadonlyArray<Healed>
  /** What has come and where it is, at the end of the run. */
  readonly books?: () => Readonly<Record<string, number>>
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
  /** Empty for a scene without books. */
  readonly books: Readonly<Record<string, number>>
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
  return outcomeOf(scene, `${seed}`, plan, untilMillis)
}

const outcomeOf = (scene: Scene, seed: string, plan: ReadonlyArray<Fault>, untilMillis: number): Outcome => {
  const violation = lead(scene, untilMillis)
  const { books, world } = scene
  return { seed, hash: world.log.hash, events: world.log.count, plan, violation, world, books: books?.() ?? {} }
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
    const why = answered(broken)
    if (why === undefined) continue
    const atMicros = world.nowMicros
    return new Violation({ invariant: name, atMicros, ...(typeof why === "string" ? { detail: why } : why) })
  }
  return undefined
}

/** A promise that throws does not hold, and its seed is told. */
const answered = (broken: Healed["broken"]): ReturnType<Healed["broken"]> => {
  try {
    return broken()
  } catch (cause) {
    return `it could not be asked: ${thrownText(cause)}`
  }
}

/** How much later fewer faults may break the same promise. */
const laterMillis = 60_000

export interface ShrinkOptions {
  readonly attemptsMax?: number
  /** Asked before each attempt: no more when it is so, and what was found by then is the answer. */
  readonly isOver?: () => boolean
  readonly onAttempt?: (number: number, faults: number) => void
}

/**
 * The outcome with the fewest faults that break the same promise, as far as it is found in so many attempts. None goes on
 * for long after the time at which it broke, and `onAttempt` is told of each.
 */
export const shrink = (
  scenario: Scenario,
  { plan, seed, violation, world }: Outcome,
  { attemptsMax = 60, isOver = () => false, onAttempt = () => {} }: ShrinkOptions = {}
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
  const left = Shrink.fewest(begun, fails, (made) => made < attemptsMax && !isOver())
  return look(scenario, run(scenario, seed, left, untilMillis), untilMillis)
}

/**
 * The same once more, with what happened where the violation says that there is something to see: it may be long before it
 * was noticed, when nobody could know. As it is where it does not say so.
 */
export const look = (scenario: Scenario, outcome: Outcome, untilMillis = Infinity): Outcome => {
  const { plan, seed, violation } = outcome
  if (violation?.about === undefined) return outcome
  const { atMillis, parties } = violation.about
  const scene = scenario.build(seed, plan)
  scene.world.log.hold(parties, atMillis.map((millis) => millis * 1_000), Math.ceil(eventsShown / atMillis.length))
  return outcomeOf(scene, seed, plan, untilMillis)
}

const eventsShown = 40

/** For a person: what broke, by which faults, and what the parties did where it broke, or else last. */
export const report = ({ plan, seed, violation, world }: Outcome): ReadonlyArray<string> =>
  violation === undefined ? [`seed ${seed}: nothing broke`] : [
    `${violation.invariant}: ${violation.detail}`,
    `seed ${seed}, at ${(violation.atMicros / 1_000_000).toFixed(3)} s, with ${plan.length} faults:`,
    ...plan.map((fault) => `  ${textOf(fault)}`),
    ...SequenceDiagram.draw(world.log.held.length > 0 ? world.log.held : world.log.latest(eventsShown))
  ]
