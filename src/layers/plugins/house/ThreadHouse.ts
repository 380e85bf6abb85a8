/**
 * A process that has the threads of all plugins of an agent, begun with the first of them.
 *
 * Threads of one process share what has locks: its memory map, malloc, V8's queue of work, and the end of each thread, for
 * which the first one waits. A plugin's thread gives way to others, so that it may hold one of these without a processor, and
 * whoever wants it waits as long. In a process of their own they wait for one another; the agent has nothing in common with
 * them but a pipe. And what V8 cannot end by a thread alone, it ends with this process.
 */
import { Effect, Option, Schema, type Scope } from "effect"
import * as HouseProcess from "../../process/house/HouseProcess.ts"
import type * as Thread from "../Thread.ts"
import { houseCode } from "./houseCode.ts"
import type { HouseOptions, ToHouse } from "./Orders.ts"

const Told = Schema.Union([
  Schema.Struct({ thread: Schema.Int, begun: Schema.Literal(true) }),
  Schema.Struct({ thread: Schema.Int, said: Schema.Unknown }),
  Schema.Struct({ thread: Schema.Int, failed: Schema.String }),
  Schema.Struct({ thread: Schema.Int, ended: Schema.String })
])
const decode = Schema.decodeUnknownOption(Told)

/** Nothing of this process's secrets. */
const env = { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: String(2 ** 18), MALLOC_MMAP_THRESHOLD_: String(2 ** 17) }

interface Inhabitant {
  readonly listeners: Set<Thread.Listener>
  readonly begun: () => void
}

interface House {
  readonly process: HouseProcess.House
  readonly threads: Map<number, Inhabitant>
}

const start = (options: HouseOptions): House => {
  const threads: House["threads"] = new Map()
  const listeners = (thread: number) => [...threads.get(thread)?.listeners ?? []]
  const endOf = (thread: number, reason: string | undefined) => {
    const heard = listeners(thread)
    threads.get(thread)?.begun()
    threads.delete(thread)
    for (const one of heard) one.ended(reason)
  }
  const heard = (message: unknown) => {
    const told = Option.getOrUndefined(decode(message))
    if (told === undefined) return
    if ("begun" in told) return threads.get(told.thread)?.begun()
    if ("ended" in told) return endOf(told.thread, told.ended === "" ? undefined : told.ended)
    for (const one of listeners(told.thread)) {
      if ("failed" in told) one.error(told.failed)
      else one.message(told.said)
    }
  }
  const ended = (reason: string) => {
    for (const thread of threads.keys()) endOf(thread, `the process of all plugins: ${reason}`)
  }
  return {
    threads,
    process: HouseProcess.start({ code: houseCode(), options, env, link: "lines", heard, ended })
  }
}

/** It ends with the scope, and begins nothing by itself. */
export const make = (options: HouseOptions): Effect.Effect<Thread.Begin, never, Scope.Scope> =>
  Effect.gen(function*() {
    let house: House | undefined
    let count = 0
    yield* Effect.addFinalizer(() => Effect.sync(() => void house?.process.kill()))
    return (order) => {
      const within = house = house?.process.isUsable() === true ? house : start(options)
      const thread = count += 1
      const tell = (message: ToHouse) => within.process.tell(message)
      const begun = Promise.withResolvers<void>()
      within.threads.set(thread, { listeners: new Set(), begun: begun.resolve })
      tell({ thread, begin: order })
      return {
        begun: begun.promise,
        post: (post) => tell({ thread, post }),
        listen: (listener) => {
          const heard = within.threads.get(thread)?.listeners
          // It has ended before anybody listened.
          if (heard === undefined) queueMicrotask(() => listener.ended(undefined))
          heard?.add(listener)
          return () => void heard?.delete(listener)
        },
        end: () => {
          tell({ thread, end: true })
          return Promise.resolve()
        }
      }
    }
  })
