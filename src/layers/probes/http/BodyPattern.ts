/**
 * Matches an operator's regular expression against text from elsewhere, within a time limit.
 *
 * JavaScript's matcher can take for ever on an unlucky pair (`(a+)+$`), and would stop every other check with it. Nearly
 * all end within a moment and are tried here, in a context that can be stopped; the rest go to a thread of their own. There
 * V8's other matcher takes them, whose time grows with the text alone; it knows neither backreferences nor lookarounds,
 * for which the time limit is left.
 */
import { Deferred, Duration, Effect, Exit, Result, Schema, Semaphore } from "effect"
import * as vm from "node:vm"
import { Worker } from "node:worker_threads"

/** What all other checks may be held up by one match. */
const momentMillis = 5
const limit = Duration.millis(500)
const beginMax = Duration.seconds(5)
const threadsMax = 2

export interface BodyPattern {
  /** Fails with the reason when the expression takes too long for this body. */
  readonly matches: (pattern: string, body: string) => Effect.Effect<boolean, string>
  /** Those of the texts that match, by their places. */
  readonly matching: (pattern: string, texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<number>, string>
}

const places = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Array(Schema.Int)))

/** Source text: what the context and the thread evaluate. */
const matchAll = "JSON.stringify(texts.flatMap((text, place) => expression.test(text) ? [place] : []))"

const here = (pattern: string, texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<number>, unknown> =>
  Result.try((): unknown =>
    vm.runInNewContext(`const expression = new RegExp(pattern); ${matchAll}`, { pattern, texts }, {
      timeout: momentMillis
    })
  ).pipe(Result.flatMap((answer) => places(answer)))

const threadCode = `
const { parentPort, workerData } = require("node:worker_threads")
const { texts, pattern } = workerData
// Allows the flag "l", and changes nothing for expressions without it.
require("node:v8").setFlagsFromString("--enable-experimental-regexp-engine")
const linear = () => {
  try {
    return new RegExp(pattern, "l")
  } catch {
    return new RegExp(pattern)
  }
}
const expression = linear()
parentPort.postMessage("begun")
parentPort.postMessage(${matchAll})
`

/** A thread and what it says: that it has begun, and its answer. */
const thread = (pattern: string, texts: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(threadCode, { eval: true, workerData: { pattern, texts } })
      const begun = Deferred.makeUnsafe<void, string>()
      const answer = Deferred.makeUnsafe<ReadonlyArray<number>, string>()
      const fail = (reason: string) => {
        const failure = Exit.fail(`matching the text failed: ${reason}`)
        Deferred.doneUnsafe(begun, failure)
        Deferred.doneUnsafe(answer, failure)
      }
      worker.on("message", (said: unknown) => {
        if (said === "begun") return void Deferred.doneUnsafe(begun, Exit.void)
        Result.match(places(said), {
          onSuccess: (found) => void Deferred.doneUnsafe(answer, Exit.succeed(found)),
          onFailure: ({ message }) => fail(message)
        })
      })
      worker.on("error", (error) => fail(error.message))
      return { worker, begun, answer }
    }),
    ({ worker }) => Effect.promise(() => worker.terminate())
  )

/** The limit is that of the match alone: on a busy machine a thread may take long to begin. */
const inThread = Effect.fnUntraced(function*(pattern: string, texts: ReadonlyArray<string>) {
  const within = <A>(said: Deferred.Deferred<A, string>, duration: Duration.Duration, words: string) =>
    Effect.timeoutOrElse(Deferred.await(said), {
      duration,
      orElse: () => Effect.fail(`${words} ${JSON.stringify(pattern)} took longer than ${Duration.format(duration)}`)
    })
  const { answer, begun } = yield* thread(pattern, texts)
  yield* within(begun, beginMax, "starting a thread to match the text against")
  return yield* within(answer, limit, "matching the text against")
}, Effect.scoped)

export const make: Effect.Effect<BodyPattern> = Effect.map(Semaphore.make(threadsMax), (threads) => {
  const matching: BodyPattern["matching"] = (pattern, texts) =>
    Effect.suspend(() => {
      const result = here(pattern, texts)
      if (Result.isSuccess(result)) return Effect.succeed(result.success)
      return threads.withPermit(inThread(pattern, texts))
    })
  return { matching, matches: (pattern, body) => Effect.map(matching(pattern, [body]), (found) => found.length > 0) }
})
