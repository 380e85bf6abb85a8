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

const inThread = (pattern: string, body: string): Effect.Effect<boolean, string> =>
  Effect.callback((resume) => {
    const worker = new Worker(threadCode, { eval: true, workerData: { pattern, body } })
    worker.on("message", (isMatch: unknown) => resume(Effect.succeed(isMatch === true)))
    worker.on("error", (error) => resume(Effect.fail(`matching the body failed: ${error.message}`)))
    return Effect.promise(() => worker.terminate())
  })

export const make: Effect.Effect<BodyPattern> = Effect.map(Semaphore.make(threadsMax), (threads) => ({
  matches: (pattern, body) =>
    Effect.suspend(() => {
      const result = here(pattern, body)
      if (Result.isSuccess(result)) return Effect.succeed(result.success)
      const tooLong = `matching the body against ${JSON.stringify(pattern)} took longer than ${Duration.format(limit)}`
      return threads.withPermit(
        Effect.timeoutOrElse(inThread(pattern, body), { duration: limit, orElse: () => Effect.fail(tooLong) })
      )
    })
}))
