/**
 * A thread in which expressions are matched, one text after the other. V8's usual matcher has a moment for each; what takes it
 * longer is for the other one, whose time grows with the text alone. That one knows neither backreferences nor lookarounds, for
 * which only the limit is left: the thread ends with it.
 */
import { Deferred, Duration, Effect, Exit, Schema, type Scope } from "effect"
import { Worker } from "node:worker_threads"
import * as SystemPriority from "../../process/priority/SystemPriority.ts"
import * as ThreadPriority from "../../process/priority/ThreadPriority.ts"

const momentMillis = 20
/** Of one match, from when the thread has begun with it. */
const limit = Duration.millis(500)
/** Of the thread itself, and of its turn on a machine that is busy with other things. */
const beginMax = Duration.seconds(5)
/** A third of what all other checks get of a processor that both want. */
const givesWayBy = 5

const Said = Schema.Union([
  Schema.Struct({ begun: Schema.Int }),
  Schema.Struct({ id: Schema.Int, places: Schema.Array(Schema.Int) }),
  Schema.Struct({ id: Schema.Int, failed: Schema.String })
])
const decode = Schema.decodeUnknownOption(Said)

const threadCode = `
const { parentPort } = require("node:worker_threads")
const vm = require("node:vm")
// Allows the flag "l", and changes nothing for expressions without it.
require("node:v8").setFlagsFromString("--enable-experimental-regexp-engine")
const placesOf = "texts.flatMap((text, place) => expression.test(text) ? [place] : [])"
const script = new vm.Script(placesOf)
const context = vm.createContext({})
const linear = (pattern) => {
  try {
    return new RegExp(pattern, "l")
  } catch {
    return undefined
  }
}
const within = (expression, texts, timeout) => {
  Object.assign(context, { expression, texts })
  return [...script.runInContext(context, { timeout })]
}
const match = (pattern, texts) => {
  const expression = new RegExp(pattern)
  try {
    return within(expression, texts, ${momentMillis})
  } catch {
    return within(linear(pattern) ?? expression, texts, ${10 * Duration.toMillis(limit)})
  }
}
parentPort.on("message", ({ id, pattern, texts }) => {
  parentPort.postMessage({ begun: id })
  try {
    parentPort.postMessage({ id, places: match(pattern, texts) })
  } catch (error) {
    parentPort.postMessage({ id, failed: String(error.message) })
  }
})
parentPort.postMessage({ begun: 0 })
`

interface Asked {
  readonly begun: Deferred.Deferred<void, string>
  readonly answer: Deferred.Deferred<ReadonlyArray<number>, string>
}

const asked = (): Asked => ({ begun: Deferred.makeUnsafe(), answer: Deferred.makeUnsafe() })

export interface MatchThread {
  /** One at a time: the places of the texts that match, or why that is not known, and the thread good for nothing any more. */
  readonly matching: (pattern: string, texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<number>, string>
}

const within = <A>(said: Deferred.Deferred<A, string>, duration: Duration.Duration, what: string) =>
  Effect.timeoutOrElse(Deferred.await(said), {
    duration,
    orElse: () => Effect.fail(`${what} took longer than ${Duration.format(duration)}`)
  })

/** It ends with the scope. */
export const make: Effect.Effect<MatchThread, string, Scope.Scope> = Effect.gen(function*() {
  const start = asked()
  /** By their ids, of which the first is the start's. */
  const open = new Map<number, Asked>([[0, start]])
  const fail = (reason: string) => {
    const failure = Exit.fail(`matching the text failed: ${reason}`)
    for (const { answer, begun } of open.values()) {
      Deferred.doneUnsafe(begun, failure)
      Deferred.doneUnsafe(answer, failure)
    }
  }
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const { lower, value } = ThreadPriority.begin(() => new Worker(threadCode, { eval: true, env: {} }))
      lower(SystemPriority.below(givesWayBy))
      return value
    }),
    (worker) => Effect.promise(() => worker.terminate())
  )
  worker.on("message", (message: unknown) => {
    const said = decode(message)
    if (said._tag === "None") return
    if ("begun" in said.value) {
      const one = open.get(said.value.begun)
      if (one !== undefined) Deferred.doneUnsafe(one.begun, Exit.void)
      return
    }
    const one = open.get(said.value.id)
    if (one === undefined) return
    const exit = "failed" in said.value
      ? Exit.fail(`matching the text failed: ${said.value.failed}`)
      : Exit.succeed(said.value.places)
    Deferred.doneUnsafe(one.answer, exit)
  })
  worker.on("error", (error) => fail(error.message))
  worker.on("exit", () => fail("its thread has ended"))
  yield* within(start.begun, beginMax, "starting a thread to match texts")
  open.delete(0)

  let count = 0
  return {
    matching: (pattern, texts) =>
      Effect.suspend(() => {
        const id = count += 1
        const one = asked()
        open.set(id, one)
        worker.postMessage({ id, pattern, texts }, [])
        return Effect.andThen(
          within(one.begun, beginMax, `the turn of ${JSON.stringify(pattern)} in the thread that matches texts`),
          within(one.answer, limit, `matching the text against ${JSON.stringify(pattern)}`)
        ).pipe(Effect.ensuring(Effect.sync(() => open.delete(id))))
      })
  }
})
