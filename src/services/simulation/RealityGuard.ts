/**
 * Keeps the machine out of a world: while a world runs, the machine's clock reads the world's time, its randomness is the
 * world's, and who asks for a timer of it is told to the world, for what it does would come after the world's end.
 *
 * Whatever runs in a world within one synchronous call sees only this; afterwards all is as it was.
 */

export interface Reality {
  /** Since the beginning of the world. */
  readonly millis: () => number
  readonly epochMillis: number
  readonly random: () => number
  /** Nobody may ever see the error: a promise that waits for the machine is asked for by nobody until the world has ended. */
  readonly onLeak: (leak: RealityLeak) => void
}

/** A program of a world asked the machine for something that no seed repeats. */
export class RealityLeak extends Error {
  constructor(what: string) {
    super(`${what} was asked for within a world; use Clock, Random and Effect.sleep`)
    this.name = "RealityLeak"
  }
}

const refuse = (what: string, { onLeak }: Reality) => {
  const asked = () => {
    const leak = new RealityLeak(what)
    // Of the few places that it has, the one of whoever asked.
    Error.captureStackTrace(leak, asked)
    onLeak(leak)
    throw leak
  }
  return asked
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

/** A date without a time is now, in whatever way it is made. */
const dateOf = (wall: () => number): DateConstructor =>
  new Proxy(Date, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [wall()] : given, made),
    apply: (target) => new target(wall()).toString()
  })

const bytesOf = (random: () => number, into: Uint8Array): void => {
  for (let at = 0; at < into.length; at += 1) into[at] = Math.floor(random() * 256)
}

/** As `crypto.getRandomValues`, for any array of numbers. */
const valuesOf = (random: () => number) => <A extends ArrayBufferView>(into: A): A => {
  bytesOf(random, new Uint8Array(into.buffer, into.byteOffset, into.byteLength))
  return into
}

/** RFC 9562, version 4. */
const uuidOf = (random: () => number) => (): string => {
  const bytes = new Uint8Array(16)
  bytesOf(random, bytes)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

export const within = <A>(reality: Reality, run: () => A): A => {
  const wall = () => Math.floor(reality.epochMillis + reality.millis())
  const patches = [
    replace(Date, "now", wall),
    replace(Math, "random", reality.random),
    replace(performance, "now", reality.millis),
    replace(Error, "stackTraceLimit", placesOfErrors),
    replace(globalThis, "Date", dateOf(wall)),
    replace(globalThis.crypto, "getRandomValues", valuesOf(reality.random)),
    replace(globalThis.crypto, "randomUUID", uuidOf(reality.random)),
    ...(["setTimeout", "setInterval", "setImmediate"] as const).map((name) =>
      replace(globalThis, name, refuse(name, reality))
    )
  ]
  try {
    return run()
  } finally {
    for (const { undo } of patches) undo()
  }
}
