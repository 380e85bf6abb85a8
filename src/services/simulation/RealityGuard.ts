/**
 * Keeps the machine out of a world: while a world runs, the machine's clock reads the world's time, its randomness is the
 * world's, and a timer of it is an error, for what it does would come after the world's end.
 *
 * Whatever runs in a world within one synchronous call sees only this; afterwards all is as it was.
 */

export interface Reality {
  /** Since the beginning of the world. */
  readonly millis: () => number
  readonly epochMillis: number
  readonly random: () => number
}

/** A program of a world asked the machine for something that no seed repeats. */
export class RealityLeak extends Error {
  constructor(what: string) {
    super(`${what} was asked for within a world; use Clock, Random and Effect.sleep`)
    this.name = "RealityLeak"
  }
}

const refuse = (what: string) => () => {
  throw new RealityLeak(what)
}

interface Patch {
  readonly undo: () => void
}

const replace = <T extends object>(target: T, name: keyof T & string, value: unknown): Patch => {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
  return {
    undo: () => {
      if (before === undefined) Reflect.deleteProperty(target, name)
      else Object.defineProperty(target, name, before)
    }
  }
}

/** Of a stack only where it was thrown: to write down ten places of each error that somebody awaits costs more than the rest of it. */
const placesOfErrors = 1

export const within = <A>(reality: Reality, run: () => A): A => {
  const wall = () => Math.floor(reality.epochMillis + reality.millis())
  const patches = [
    replace(Date, "now", wall),
    replace(Math, "random", reality.random),
    replace(performance, "now", reality.millis),
    replace(Error, "stackTraceLimit", placesOfErrors),
    ...(["setTimeout", "setInterval", "setImmediate"] as const).map((name) => replace(globalThis, name, refuse(name)))
  ]
  try {
    return run()
  } finally {
    for (const { undo } of patches) undo()
  }
}
