/**
 * Matches an operator's regular expression against a body from the network, within a time limit.
 *
 * JavaScript's matcher can take for ever on an unlucky pair (`(a+)+$`), and would stop every other check with it. Nearly
 * all end within a moment and are tried here, in a context that can be stopped; the rest go to a thread of their own. There
 * V8's other matcher takes them, whose time grows with the text alone; it knows neither backreferences nor lookarounds,
 * for which the time limit is left.
 */
import { Duration, Effect, Result, Semaphore } from "effect"
import * as vm from "node:vm"
import { Worker } from "node:worker_threads"

/** What all other checks may be held up by one match. */
const momentMillis = 5
const limit = Duration.millis(500)
/** The check's own limit is mostly shorter. */
const startLimit = Duration.seconds(5)
const threadsMax = 2

export interface BodyPattern {
  /** Fails with the reason when the expression takes too long for this body. */
  readonly matches: (pattern: string, body: string) => Effect.Effect<boolean, string>
}

const here = (pattern: string, body: string): Result.Result<boolean, unknown> =>
  Result.try(() =>
    vm.runInNewContext("new RegExp(pattern).test(body)", { pattern, body }, { timeout: momentMillis }) === true
  )

const threadCode = `
const { parentPort, workerData } = require("node:worker_threads")
const { body, pattern } = workerData
// Allows the flag "l", and changes nothing for expressions without it.
require("node:v8").setFlagsFromString("--enable-experimental-regexp-engine")
const linear = () => {
  try {
    return new RegExp(pattern, "l")
  } catch {
    return new RegExp(pattern)
  }
}
parentPort.postMessage(linear().test(body))
`

interface Thread {
  readonly worker: Worker
  readonly online: Promise<void>
  readonly answer: Promise<boolean>
}

const startThread = (pattern: string, body: string): Effect.Effect<Thread> =>
  Effect.sync(() => {
    const worker = new Worker(threadCode, { eval: true, workerData: { pattern, body } })
    const online = new Promise<void>((resolve) => void worker.once("online", resolve))
    const answer = new Promise<boolean>((resolve, reject) => {
      worker.once("message", (isMatch: unknown) => resolve(isMatch === true))
      worker.once("error", reject)
    })
    return { worker, online, answer }
  })

/** On a busy machine a thread needs its time to start, which is not the expression's. */
const inThread = (pattern: string, body: string, tooLong: string): Effect.Effect<boolean, string> =>
  Effect.acquireUseRelease(
    startThread(pattern, body),
    ({ answer, online }) => {
      const tooLate = Effect.timeoutOption(Effect.promise(() => online), startLimit).pipe(
        Effect.andThen(Effect.sleep(limit)),
        Effect.andThen(Effect.fail(tooLong))
      )
      const answered = Effect.tryPromise({
        try: () => answer,
        catch: (error) => `matching the body failed: ${error instanceof Error ? error.message : "the thread ended"}`
      })
      return Effect.raceFirst(answered, tooLate)
    },
    ({ worker }) => Effect.promise(() => worker.terminate())
  )

export const make: Effect.Effect<BodyPattern> = Effect.map(Semaphore.make(threadsMax), (threads) => ({
  matches: (pattern, body) =>
    Effect.suspend(() => {
      const result = here(pattern, body)
      if (Result.isSuccess(result)) return Effect.succeed(result.success)
      const tooLong = `matching the body against ${JSON.stringify(pattern)} took longer than ${Duration.format(limit)}`
      return threads.withPermit(inThread(pattern, body, tooLong))
    })
}))
