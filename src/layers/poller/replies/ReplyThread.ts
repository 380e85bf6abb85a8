/**
 * A thread that reads the large answers of agents: JSON of megabytes keeps the poller's own thread, and with it the polls of
 * all other agents, for tens of milliseconds. It is started for the first one and ends when there has been none for a minute.
 */
import { Deferred, Duration, Effect, Layer, RcRef, Schema } from "effect"
import * as os from "node:os"
import { Worker } from "node:worker_threads"
import type { Wrapping } from "../../../domain/monitoring/reports/envelope/Wrapping.ts"
import { LargeReplies, UnreadReply } from "../../../services/poller/polls/LargeReplies.ts"
import * as ThreadPriority from "../../process/priority/ThreadPriority.ts"
import * as LargeBytes from "../LargeBytes.ts"
import { threadCode } from "./threadCode.ts"

/** For one answer, with those before it. */
const withinDefault = Duration.seconds(30)

const idle = "60 seconds"

const Answer = Schema.Struct({ id: Schema.Int, wrapped: Schema.Uint8Array })
const isAnswer = Schema.is(Answer)

type Waiting = Map<number, Deferred.Deferred<Uint8Array, string>>

interface Thread {
  readonly worker: Worker
  readonly waiting: Waiting
}

const begin = (): Thread => {
  const { code, isText } = threadCode()
  // Without a limit of its own: reading JSON does not notice that it has come to one, and the process ends.
  const { lower, value: worker } = ThreadPriority.begin(() => new Worker(code, { eval: isText, env: {} }))
  // Nobody waits for it as the others wait for the thread of the polls.
  lower(os.constants.priority.PRIORITY_BELOW_NORMAL)
  const waiting: Waiting = new Map()
  const fail = (detail: string) => {
    for (const answered of waiting.values()) Deferred.doneUnsafe(answered, Effect.fail(detail))
    waiting.clear()
  }
  worker.on("message", (answer: unknown) => {
    if (!isAnswer(answer)) return
    const answered = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answered !== undefined) Deferred.doneUnsafe(answered, Effect.succeed(answer.wrapped))
  })
  worker.on("error", (error) => fail(error.message))
  worker.on("exit", () => fail("the thread ended"))
  // It does not keep the process alive.
  worker.unref()
  return { worker, waiting }
}

/** Only what nobody else has bytes in can be given away. */
const owned = (message: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { buffer, byteLength, byteOffset } = message
  return buffer instanceof ArrayBuffer && LargeBytes.isAlone(message)
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(message)
}

export const layer = (within: Duration.Duration = withinDefault): Layer.Layer<never> =>
  Layer.effect(
    LargeReplies,
    Effect.gen(function*() {
      const thread = yield* RcRef.make({
        acquire: Effect.acquireRelease(
          Effect.sync(begin),
          ({ worker }) => Effect.promise(() => worker.terminate())
        ),
        idleTimeToLive: idle
      })
      let count = 0
      const ask = Effect.fnUntraced(function*(wrapping: Wrapping, message: Uint8Array) {
        const { waiting, worker } = yield* RcRef.get(thread)
        const answered = yield* Deferred.make<Uint8Array, string>()
        const id = count += 1
        waiting.set(id, answered)
        const own = owned(message)
        worker.postMessage({ id, wrapping, message: own }, [own.buffer])
        return yield* Deferred.await(answered).pipe(
          Effect.timeoutOrElse({
            duration: within,
            orElse: () => Effect.fail(`it took longer than ${Duration.format(within)}`)
          }),
          Effect.onExit(() => Effect.sync(() => waiting.delete(id))),
          // The next one gets a new thread.
          Effect.tapError(() => RcRef.invalidate(thread))
        )
      })
      return {
        wrap: (wrapping, message) => {
          // There are none left of what was given away.
          const bytes = message.length
          return Effect.mapError(Effect.scoped(ask(wrapping, message)), (detail) => new UnreadReply({ bytes, detail }))
        }
      }
    })
  )
