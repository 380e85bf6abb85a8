/**
 * A version of a plugin in a thread of its own, which has its own modules and its own heap.
 *
 * V8 unloads no module: what was imported stays, with all it imported, until its thread ends. So a version has a thread, and
 * goes with it. The thread is also what can be stopped when a call spins; the next call begins a new one. Each version is
 * imported under an address of its own (`?v=HASH`), which its stack traces show.
 */
import { Duration, Effect, Result, Schema } from "effect"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"
import { PluginFault, type PluginModule } from "../../../services/poller/plugins/PluginModule.ts"

export interface Source {
  readonly name: string
  readonly file: string
  /** Of its content. */
  readonly version: string
}

export interface Limits {
  /** Of one call. */
  readonly call: Duration.Duration
  /** Of starting a thread and importing the module into it. */
  readonly load: Duration.Duration
  readonly heapMegabytes: number
}

const textMax = 500

/** The published command is one bundle, so the thread's code is no file. */
const threadCode = `
const { parentPort, workerData } = require("node:worker_threads")
const loaded = import(workerData.url)
const isFunction = (value) => typeof value === "function"
const calls = {
  manifest: (module) => ({
    contract: module.contract,
    kind: module.kind,
    ...(module.serviceTypes === undefined ? {} : { serviceTypes: module.serviceTypes }),
    ...(module.stateVersion === undefined ? {} : { stateVersion: module.stateVersion }),
    functions: {
      process: isFunction(module.process),
      initial: isFunction(module.initial),
      migrate: isFunction(module.migrate)
    }
  }),
  initial: (module) => module.initial === undefined ? null : module.initial(),
  migrate: (module, args) => module.migrate(...args),
  process: (module, args) => module.process(...args)
}
parentPort.on("message", async ({ id, call, args }) => {
  try {
    parentPort.postMessage({ id, value: await calls[call](await loaded, args) })
  } catch (error) {
    parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
})
`

const Reply = Schema.Union([
  Schema.Struct({ id: Schema.Int, error: Schema.String }),
  Schema.Struct({ id: Schema.Int, value: Schema.Unknown })
])
const decodeReply = Schema.decodeUnknownResult(Reply)

const short = (text: string): string => text.length > textMax ? `${text.slice(0, textMax)}…` : text

type CallName = "manifest" | "initial" | "migrate" | "process"

/** Fails when the module cannot be imported or does not keep the contract. */
export const load = Effect.fn("PluginThread.load")(function*(
  { file, name, version }: Source,
  limits: Limits
): Effect.fn.Return<PluginModule, PluginFault> {
  let worker: Worker | undefined
  let calls = 0
  const url = `${pathToFileURL(file).href}?v=${version}`

  const begin = (): Worker => {
    const begun = new Worker(threadCode, {
      eval: true,
      workerData: { url },
      // Nothing of the poller's secrets, and nothing into its output.
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes, maxYoungGenerationSizeMb: 4 }
    })
    begun.stdout.resume()
    begun.stderr.resume()
    // It does not keep the process alive, and its end is the end of a call.
    begun.unref()
    begun.on("error", () => {})
    begun.on("exit", () => {
      if (worker === begun) worker = undefined
    })
    return begun
  }

  const stop = Effect.suspend(() => {
    const stopped = worker
    worker = undefined
    return stopped === undefined ? Effect.void : Effect.asVoid(Effect.promise(() => stopped.terminate()))
  })

  const fault = (call: string, reason: PluginFault["reason"], detail: string) =>
    new PluginFault({ plugin: name, call, reason, detail: short(detail) })

  const ask = (call: CallName, args: ReadonlyArray<unknown>, limit: Duration.Duration) =>
    Effect.callback<unknown, PluginFault>((resume) => {
      const to = worker ??= begin()
      const id = calls += 1
      const onMessage = (message: unknown) => {
        const reply = decodeReply(message)
        if (Result.isFailure(reply) || reply.success.id !== id) return
        end(
          "error" in reply.success
            ? Effect.fail(fault(call, "threw", reply.success.error))
            : Effect.succeed(reply.success.value)
        )
      }
      const onError = (error: Error) => end(Effect.fail(fault(call, "ended", error.message)))
      const onExit = () => end(Effect.fail(fault(call, "ended", "its thread ended")))
      const end = (outcome: Effect.Effect<unknown, PluginFault>) => {
        to.off("message", onMessage).off("error", onError).off("exit", onExit)
        resume(outcome)
      }
      to.on("message", onMessage).on("error", onError).on("exit", onExit)
      to.postMessage({ id, call, args }, [])
      // Whoever is not waited for may be spinning.
      return Effect.suspend(() => {
        to.off("message", onMessage).off("error", onError).off("exit", onExit)
        return stop
      })
    }).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(fault(call, "timed out", `no answer within ${Duration.format(limit)}`))
      })
    )

  const asked = <A>(schema: Schema.Codec<A, unknown>, call: CallName, args: ReadonlyArray<unknown>) =>
    Effect.suspend(() => ask(call, args, worker === undefined ? limits.load : limits.call)).pipe(
      Effect.flatMap((value) =>
        Effect.mapError(
          Schema.decodeUnknownEffect(schema)(value),
          (error) => fault(call, "wrong shape", error.message)
        )
      )
    )

  const manifest = yield* Effect.tapError(asked(PluginContract.Manifest, "manifest", []), () => stop)
  return {
    version,
    manifest,
    initial: asked(PluginContract.State, "initial", []),
    migrate: (state, fromVersion) => asked(PluginContract.State, "migrate", [state, fromVersion]),
    process: (input, state) => asked(PluginContract.Answer, "process", [input, state]),
    close: stop
  }
})
