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
import { PluginFault } from "../../services/plugins/PluginFault.ts"
import * as Thread from "./Thread.ts"

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
  /** Where its thread is to be; else in this process. */
  readonly begin?: Thread.Begin
  /** One like it has just broken. */
  readonly isSuspect?: boolean
}

export interface ModuleThread {
  /** Starts it, and waits until it runs or has ended. */
  readonly begun: Effect.Effect<void>
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

/** What the module's exports are is asked under this name. */
const manifest = "manifest"

/** Starts nothing: the first call does. */
export const make = ({ file, name: plugin, text, version }: Source, exports: Exports, limits: Limits): ModuleThread => {
  let thread: Thread.Thread | undefined
  let calls = 0
  const url = `${pathToFileURL(file).href}?v=${version}`

  const begin = (): Thread.Thread => {
    const begun = (limits.begin ?? Thread.begin)({
      code: threadCode,
      data: { url, text, answerCharsMax },
      heapMegabytes: limits.heapMegabytes,
      isSuspect: limits.isSuspect ?? false
    })
    const ended = () => {
      if (thread === begun) thread = undefined
    }
    begun.listen({ message: () => {}, error: () => {}, ended })
    return begun
  }

  const running = Effect.sync(() => thread ??= begin())

  const stop = Effect.suspend(() => {
    const stopped = thread
    thread = undefined
    return stopped === undefined ? Effect.void : Effect.asVoid(Effect.promise(() => stopped.end()))
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
    const asked = (to: Thread.Thread) =>
      Effect.callback<unknown, PluginFault>((resume) => {
        const id = calls += 1
        const end = (outcome: Effect.Effect<unknown, PluginFault>) => {
          deafen()
          resume(outcome)
        }
        const deafen = to.listen({
          message: (message) => {
            const reply = decodeReply(message)
            if (Result.isFailure(reply) || reply.success.id !== id) return
            end(
              "error" in reply.success
                ? Effect.fail(fault(call, "threw", reply.success.error))
                : answerOf(call, reply.success.json)
            )
          },
          error: (message) => end(Effect.fail(fault(call, "ended", message))),
          ended: (reason) => end(Effect.fail(fault(call, "ended", reason ?? "its thread ended")))
        })
        to.post({ id, name, args })
        // Whoever is not waited for may be spinning.
        return Effect.suspend(() => {
          deafen()
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
    begun: Effect.flatMap(running, ({ begun }) => Effect.promise(() => begun)),
    isRunning: () => thread !== undefined,
    describe: (limit) => ask("", [exports], limit),
    call: ask,
    stop
  }
}
