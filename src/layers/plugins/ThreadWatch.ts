/**
 * Looks at a thread four times a second: its heap has a limit of its own, but buffers are not in the heap, and no limit of
 * V8 counts time.
 *
 * It asks the thread's isolate, which answers also while its code spins.
 */
import { Duration, Effect, Option } from "effect"
import type { Worker } from "node:worker_threads"

export interface Limits {
  /** Of heap and buffers together. */
  readonly megabytesMax: number
  /** Of one core, over `window`. */
  readonly percentMax: number
  readonly window: Duration.Duration
}

const lookEvery = Duration.millis(250)
/** A thread that is about to end may not answer at all. */
const answerLimit = Duration.seconds(1)
const megabyte = 1_048_576
/** Looks in a row between which it never waited for anything. */
const spinningLooks = 4

const sizeOf = (worker: Worker) =>
  Effect.tryPromise(() => worker.getHeapStatistics()).pipe(
    Effect.map(({ external_memory, total_heap_size }) => total_heap_size + external_memory),
    Effect.timeoutOption(answerLimit),
    Effect.map(Option.getOrElse(() => 0)),
    // It has ended meanwhile.
    Effect.orElseSucceed(() => 0)
  )

/** Succeeds with what is too much; goes on as long as nothing is. `spins` hears of one that works without a pause. */
export const excess = (
  worker: Worker,
  { megabytesMax, percentMax, window }: Limits,
  spins: () => void = () => {}
): Effect.Effect<string> => {
  const looks = Math.max(1, Math.round(Duration.toMillis(window) / Duration.toMillis(lookEvery)))
  const actives: Array<number> = []
  let atWork = 0
  let waited = 0

  const overworked = (): string | undefined => {
    const { active, idle } = worker.performance.eventLoopUtilization()
    // Before its loop runs it has neither worked nor waited.
    atWork = active > 0 && idle === waited ? atWork + 1 : 0
    waited = idle
    if (atWork === spinningLooks) spins()
    actives.push(active)
    if (actives.length <= looks) return undefined
    const [first = 0] = actives.splice(0, 1)
    const percent = Math.round(100 * ((actives.at(-1) ?? 0) - first) / Duration.toMillis(window))
    return percent > percentMax
      ? `its thread was at work ${percent} % of ${Duration.format(window)}, ${percentMax} % are allowed, and was ended`
      : undefined
  }
  const oversized = (bytes: number): string | undefined =>
    bytes > megabytesMax * megabyte
      ? `its thread used ${Math.round(bytes / megabyte)} MB, ${megabytesMax} MB are allowed, and was ended`
      : undefined

  return Effect.delay(sizeOf(worker), lookEvery).pipe(
    Effect.map((bytes) => oversized(bytes) ?? overworked()),
    Effect.repeat({ until: (found) => found !== undefined }),
    Effect.map((found) => found ?? "")
  )
}
