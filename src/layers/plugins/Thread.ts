/** A thread as those know it who ask a module: in this process, or in the process that has the threads of an agent's plugins. */
import { Worker } from "node:worker_threads"

export interface Listener {
  readonly message: (message: unknown) => void
  readonly error: (message: string) => void
  /** With the reason where somebody has ended it, or knows it. */
  readonly ended: (reason: string | undefined) => void
}

export interface Order {
  /** What it runs. */
  readonly code: string
  readonly data: unknown
  readonly heapMegabytes: number
  /** One like it has just broken: it gets what nobody else wants, where its process is one for such threads. */
  readonly isSuspect?: boolean
}

export interface Thread {
  readonly post: (message: unknown) => void
  /** Answers how not to listen any more. */
  readonly listen: (listener: Listener) => () => void
  readonly end: () => Promise<unknown>
  /** It runs code of its own, or has ended before it came to that. */
  readonly begun: Promise<void>
}

export type Begin = (order: Order) => Thread

/** Code may throw anything, and V8 hands over what it can: then there is neither an error nor a text. */
export const messageOf = (thrown: unknown): string =>
  typeof thrown === "object" && thrown !== null && "message" in thrown && typeof thrown.message === "string"
    ? thrown.message
    : typeof thrown === "string"
    ? thrown
    : "it threw something that is no error"

export const worker = ({ code, data, heapMegabytes }: Order): Worker => {
  const begun = new Worker(code, {
    eval: true,
    workerData: data,
    // Nothing of this process's secrets, and nothing into its output.
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes, maxYoungGenerationSizeMb: 4 }
  })
  begun.stdout.resume()
  begun.stderr.resume()
  return begun
}

export const onceBegun = (begun: Worker): Promise<void> =>
  new Promise((resolve) => void begun.once("online", resolve).once("exit", () => resolve()))

/** In this process, whose first thread waits for the last moments of each thread that ends. */
export const begin: Begin = (order) => {
  const begun = worker(order)
  // It does not keep the process alive, and its end is the end of a call.
  begun.unref()
  begun.on("error", () => {})
  return {
    begun: onceBegun(begun),
    post: (message) => begun.postMessage(message, []),
    listen: ({ ended, error, message }) => {
      const onError = (thrown: unknown) => error(messageOf(thrown))
      const onExit = () => ended(undefined)
      begun.on("message", message).on("error", onError).on("exit", onExit)
      return () => void begun.off("message", message).off("error", onError).off("exit", onExit)
    },
    end: () => begun.terminate()
  }
}
