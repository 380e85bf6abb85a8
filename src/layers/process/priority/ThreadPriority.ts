/**
 * The priority of one thread of this process. Linux has one for each; elsewhere all threads have that of their process, and
 * nothing changes here.
 */
import * as fs from "node:fs"
import * as SystemPriority from "./SystemPriority.ts"

const threads = (): ReadonlyArray<string> => {
  try {
    return fs.readdirSync("/proc/self/task")
  } catch {
    return []
  }
}

export interface Begun<A> {
  readonly value: A
  readonly lower: (niceness: SystemPriority.Niceness) => void
  /** The least there is, for good. */
  readonly idle: () => void
}

const nothing = () => {}

/** Of whatever begins one thread before it returns: Node tells nobody its id, so it is the one that was not there before. */
export const begin = <A>(make: () => A): Begun<A> => {
  const before = new Set(threads())
  const value = make()
  const [id, ...others] = threads().filter((thread) => !before.has(thread))
  if (id === undefined || others.length > 0) return { value, lower: nothing, idle: nothing }
  return {
    value,
    lower: (niceness) => SystemPriority.lower(Number(id), niceness),
    idle: () => {
      SystemPriority.lower(Number(id), SystemPriority.least)
      SystemPriority.idle(Number(id))
    }
  }
}
