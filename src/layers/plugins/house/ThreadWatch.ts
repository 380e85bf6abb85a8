/**
 * Looks at a thread four times a second: its heap has a limit of its own, but buffers are not in the heap, and no limit of
 * V8 counts time.
 *
 * It asks the thread's isolate, which answers also while its code spins. Nothing of Effect: the process of the plugins has
 * only what it needs.
 */
import * as timers from "node:timers"
import type { Worker } from "node:worker_threads"

export interface Limits {
  /** Of heap and buffers together. */
  readonly megabytesMax: number
  /** Of one core, over `windowMillis`. */
  readonly percentMax: number
  readonly windowMillis: number
}

export interface Heard {
  /** It works without a pause. */
  readonly spins: () => void
  /** With what is too much. */
  readonly exceeds: (excess: string) => void
}

const everyMillis = 250
const megabyte = 1_048_576
/** Looks in a row between which it never waited for anything. */
const spinningLooks = 4

/** Until the thread ends. */
export const begin = (worker: Worker, { megabytesMax, percentMax, windowMillis }: Limits, heard: Heard): void => {
  const looks = Math.max(1, Math.round(windowMillis / everyMillis))
  const actives: Array<number> = []
  let atWork = 0
  let waited = 0
  let isAsked = false

  const lookAtSize = async () => {
    // A thread that is about to end may not answer at all.
    if (isAsked) return
    isAsked = true
    try {
      const { external_memory, total_heap_size } = await worker.getHeapStatistics()
      const bytes = total_heap_size + external_memory
      if (bytes <= megabytesMax * megabyte) return
      heard.exceeds(
        `its thread used ${Math.round(bytes / megabyte)} MB, ${megabytesMax} MB are allowed, and was ended`
      )
    } catch {
      // It has ended meanwhile.
    } finally {
      isAsked = false
    }
  }

  const lookAtWork = () => {
    const { active, idle } = worker.performance.eventLoopUtilization()
    // Before its loop runs it has neither worked nor waited.
    atWork = active > 0 && idle === waited ? atWork + 1 : 0
    waited = idle
    if (atWork === spinningLooks) heard.spins()
    actives.push(active)
    if (actives.length <= looks) return
    const [first = 0] = actives.splice(0, 1)
    const percent = Math.round(100 * ((actives.at(-1) ?? 0) - first) / windowMillis)
    if (percent <= percentMax) return
    const window = `${windowMillis / 1_000}s`
    heard.exceeds(`its thread was at work ${percent} % of ${window}, ${percentMax} % are allowed, and was ended`)
  }

  const timer = timers.setInterval(() => {
    void lookAtSize()
    lookAtWork()
  }, everyMillis)
  worker.once("exit", () => timers.clearInterval(timer))
}
