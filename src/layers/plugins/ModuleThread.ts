/**
 * A version of a plugin in a thread of its own, which has its own modules and its own heap.
 *
 * V8 unloads no module: what was imported stays, with all it imported, until its thread ends. So a version has a thread, and
 * goes with it. The thread is also what can be stopped when a call spins; the next call begins a new one. Each version is
 * imported under an address of its own (`?v=HASH`), which its stack traces show.
 *
 * Answers come as JSON of a bounded length, so that none fills the heap of whoever asks.
 */
import { Duration, Effect, Result, Schema } from "effect"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import { PluginFault } from "../../services/plugins/PluginFault.ts"
import * as SystemPriority from "../process/priority/SystemPriority.ts"
import * as ThreadPriority from "../process/priority/ThreadPriority.ts"
import * as ThreadWatch from "./ThreadWatch.ts"

export interface Source {
  readonly name: string
  readonly file: string
  /** Of its content. */
  readonly version: string
  /** Its content: the file may have become another one when a thread is begun again. */
  readonly text: string
}

/** What of a module's exports is told of it. */
export interface Exports {
  readonly values: ReadonlyArray<string>
  readonly functions: ReadonlyArray<string>
}

export interface Limits {
  readonly heapMegabytes: number
  /** What it may use beyond its heap, and how much of a core; nobody looks where there are none. */
  readonly watch?: ThreadWatch.Limits
  /** Less than its process, already while it starts; where somebody looks, one that does not stop working gets the least. */
  readonly givesWayBy?: SystemPriority.Niceness
}

export interface ModuleThread {
  readonly isRunning: () => boolean
  /** The values that it exports, and under `functions` which functions. */
  readonly describe: (limit: Duration.Duration) => Effect.Effect<unknown, PluginFault>
  /** Calls a function that it exports. One at a time; interruption ends the thread. */
  readonly call: (
    name: string,
    args: ReadonlyArray<unknown>,
    limit: Duration.Duration
  ) => Effect.Effect<unknown, PluginFault>
  /** It is not called any more. */
  readonly stop: Effect.Effect<void>
}

const textMax = 500
/** Of one answer, as JSON. */
const answerCharsMax = 4 * 1_048_576

/** The published command is one bundle, so the thread's code is no file. */
const threadCode = `
const { parentPort, workerData } = require("node:worker_threads")
const { answerCharsMax, text, url } = workerData
require("node:module").registerHooks({
  load: (asked, context, next) => asked === url
    ? { format: context.format ?? "module", source: text, shortCircuit: true }
    : next(asked, context)
})
const loaded = import(url)
const describe = (module, { functions, values }) => ({
  ...Object.fromEntries(values.filter((name) => module[name] !== undefined).map((name) => [name, module[name]])),
  functions: Object.fromEntries(functions.map((name) => [name, typeof module[name] === "function"]))
})
const jsonOf = (value) => {
  const json = JSON.stringify(value) ?? "null"
  if (json.length > answerCharsMax) throw new Error("it answered " + json.length + " characters, more than " + answerCharsMax)
  return json
}
// What is thrown may itself throw when it is looked at.
const textOf = (error) => {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return "it threw something that is no error"
  }
}
parentPort.on("message", async ({ id, name, args }) => {
  try {
    const module = await loaded
    const value = name === "" ? describe(module, ...args) : module[name] === undefined ? null : await module[name](...args)
    parentPort.postMessage({ id, json: jsonOf(value) })
  } catch (error) {
    parentPort.postMessage({ id, error: textOf(error).slice(0, ${textMax} + 1) })
  }
})
`

const Reply = Schema.Union([
  Schema.Struct({ id: Schema.Int, error: Schema.String }),
  Schema.Struct({ id: Schema.Int, json: Schema.String })
])
const decodeReply = Schema.decodeUnknownResult(Reply)
const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const short = (text: string): string => text.length > textMax ? `${text.slice(0, textMax)}…` : text

/** Code may throw anything, and V8 hands over what it can: then there is neither an error nor a text. */
const messageOf = (thrown: unknown): string =>
  typeof thrown === "object" && thrown !== null && "message" in thrown && typeof thrown.message === "string"
    ? thrown.message
    : typeof thrown === "string"
    ? thrown
    : "it threw something that is no error"

/** What the module's exports are is asked under this name. */
const manifest = "manifest"

/** Starts nothing: the first call does. */
export const make = ({ file, name: plugin, text, version }: Source, exports: Exports, limits: Limits): ModuleThread => {
  let worker: Worker | undefined
  let calls = 0
  const reasons = new WeakMap<Worker, string>()
  const url = `${pathToFileURL(file).href}?v=${version}`

  const begin = (): ThreadPriority.Begun<Worker> => {
    const thread = ThreadPriority.begin(() =>
      new Worker(threadCode, {
        eval: true,
        workerData: { url, text, answerCharsMax },
        // Nothing of this process's secrets, and nothing into its output.
        env: {},
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes, maxYoungGenerationSizeMb: 4 }
      })
    )
    if (limits.givesWayBy !== undefined) thread.lower(SystemPriority.below(limits.givesWayBy))
    const begun = thread.value
    begun.stdout.resume()
    begun.stderr.resume()
    // It does not keep the process alive, and its end is the end of a call.
    begun.unref()
    begun.on("error", () => {})
    begun.on("exit", () => {
      if (worker === begun) worker = undefined
    })
    return thread
  }

  /** Of whoever uses more than it may the thread ends, also between two calls. */
  const watch = ({ lower, value: begun }: ThreadPriority.Begun<Worker>) => {
    if (limits.watch === undefined) return Effect.void
    const over = Effect.callback<void>((resume) => void begun.once("exit", () => resume(Effect.void)))
    const spins = () => {
      if (limits.givesWayBy !== undefined) lower(SystemPriority.least)
    }
    const ended = Effect.map(ThreadWatch.excess(begun, limits.watch, spins), (excess) => {
      reasons.set(begun, excess)
      void begun.terminate()
    })
    return Effect.asVoid(Effect.forkDetach(Effect.raceFirst(ended, over)))
  }

  const running = Effect.suspend(() => {
    if (worker !== undefined) return Effect.succeed(worker)
    const thread = begin()
    worker = thread.value
    return Effect.as(watch(thread), thread.value)
  })

  const stop = Effect.suspend(() => {
    const stopped = worker
    worker = undefined
    return stopped === undefined ? Effect.void : Effect.asVoid(Effect.promise(() => stopped.terminate()))
  })

  const fault = (call: string, reason: PluginFault["reason"], detail: string) =>
    new PluginFault({ plugin, call, reason, detail: short(detail) })

  const answerOf = (call: string, json: string) =>
    Result.match(decodeJson(json), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (error) => Effect.fail(fault(call, "wrong shape", error.message))
    })

  const ask = (name: string, args: ReadonlyArray<unknown>, limit: Duration.Duration) => {
    const call = name === "" ? manifest : name
    const asked = (to: Worker) =>
      Effect.callback<unknown, PluginFault>((resume) => {
        const id = calls += 1
        const onMessage = (message: unknown) => {
          const reply = decodeReply(message)
          if (Result.isFailure(reply) || reply.success.id !== id) return
          end(
            "error" in reply.success
              ? Effect.fail(fault(call, "threw", reply.success.error))
              : answerOf(call, reply.success.json)
          )
        }
        const onError = (thrown: unknown) => end(Effect.fail(fault(call, "ended", messageOf(thrown))))
        const onExit = () => end(Effect.fail(fault(call, "ended", reasons.get(to) ?? "its thread ended")))
        const end = (outcome: Effect.Effect<unknown, PluginFault>) => {
          to.off("message", onMessage).off("error", onError).off("exit", onExit)
          resume(outcome)
        }
        to.on("message", onMessage).on("error", onError).on("exit", onExit)
        to.postMessage({ id, name, args }, [])
        // Whoever is not waited for may be spinning.
        return Effect.suspend(() => {
          to.off("message", onMessage).off("error", onError).off("exit", onExit)
          return stop
        })
      })
    return Effect.flatMap(running, asked).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(fault(call, "timed out", `no answer within ${Duration.format(limit)}`))
      })
    )
  }

  return {
    isRunning: () => worker !== undefined,
    describe: (limit) => ask("", [exports], limit),
    call: ask,
    stop
  }
}
