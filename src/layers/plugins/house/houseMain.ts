/**
 * What the process of an agent's plugins runs: it begins and ends their threads, watches over them, and passes their answers
 * on, one for each question, so that a flood of a plugin ends here.
 */
import type { Worker } from "node:worker_threads"
import * as houseLife from "../../process/house/houseLife.ts"
import * as SystemPriority from "../../process/priority/SystemPriority.ts"
import * as ThreadPriority from "../../process/priority/ThreadPriority.ts"
import * as Thread from "../Thread.ts"
import type { FromHouse, HouseOptions, ToHouse } from "./Orders.ts"
import * as ThreadWatch from "./ThreadWatch.ts"

interface Inhabitant {
  readonly worker: Worker
  /** Of its questions, the one that it has not answered. */
  asked: unknown
  reason: string
}

const options: HouseOptions = JSON.parse(houseLife.options())
const threads = new Map<number, Inhabitant>()

const idOf = (message: unknown): unknown =>
  typeof message === "object" && message !== null && "id" in message ? message.id : undefined

const begin = (thread: number, order: Thread.Order): void => {
  const { idle, lower, value: worker } = ThreadPriority.begin(() => Thread.worker(order))
  if (order.isSuspect === true) idle()
  else lower(SystemPriority.below(options.givesWayBy))
  const inhabitant: Inhabitant = { worker, asked: undefined, reason: "" }
  threads.set(thread, inhabitant)
  void Thread.onceBegun(worker).then(() => tell({ thread, begun: true }))
  worker.on("message", (said: unknown) => {
    const id = idOf(said)
    if (id === undefined || id !== inhabitant.asked) return
    inhabitant.asked = undefined
    tell({ thread, said })
  })
  worker.on("error", (thrown: unknown) => tell({ thread, failed: Thread.messageOf(thrown).slice(0, 1_000) }))
  worker.on("exit", () => {
    threads.delete(thread)
    tell({ thread, ended: inhabitant.reason })
  })
  ThreadWatch.begin(worker, options.watch, {
    spins: idle,
    exceeds: (excess) => {
      inhabitant.reason = excess
      void worker.terminate()
    }
  })
}

const take = (told: ToHouse): void => {
  if ("begin" in told) return begin(told.thread, told.begin)
  const inhabitant = threads.get(told.thread)
  if (inhabitant === undefined) return
  if ("end" in told) return void inhabitant.worker.terminate()
  inhabitant.asked = idOf(told.post)
  inhabitant.worker.postMessage(told.post, [])
}

const heard = (told: unknown): void => {
  // boundary: what the agent that began this process says to it
  take(told as ToHouse)
}

const tell: (message: FromHouse) => void = houseLife.liveByLines("serviceradar-plugins", heard)
