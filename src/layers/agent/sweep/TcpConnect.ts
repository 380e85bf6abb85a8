/** TCP connections in threads of their own: `connectThread` for each, and who gets which hosts. */
import { Duration, Effect, Schema } from "effect"
import * as os from "node:os"
import { Worker } from "node:worker_threads"
import { type Answers, ScanFailed, type ScanOptions } from "../../../services/agent/sweep/SweepScanner.ts"
import { connectionOpener } from "../../sockets/ConnectionOpener.ts"
import * as FileLimit from "../../sockets/FileLimit.ts"
import { connectThread, type Job, type ThreadOptions } from "./ConnectThread.ts"

/** What a second thread costs in memory it is worth from so many connections on. */
const probesPerThread = 8192
/** Fewer are not divided among the threads. */
const dividedMin = 512
/** Of the file descriptors of this process. */
const socketShare = 0.75

/** A thread has little to remember; what is young must have room for the connections that are on their way. */
const heap = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 }

const modules = ["net", "worker_threads", "timers", "util"].map((name) => `require("node:${name}")`)
const code = `(${connectThread.toString()})(${modules.join()}, ${connectionOpener.toString()})`

const Told = Schema.Union([
  Schema.Struct({ begun: Schema.Int }),
  Schema.Struct({
    id: Schema.Int,
    /** Host, port, nanoseconds, and so on. */
    open: Schema.instanceOf(Float64Array),
    refused: Schema.Int,
    silent: Schema.Int,
    unreachable: Schema.Int,
    failure: Schema.String
  })
])
const decode = Schema.decodeUnknownOption(Told)

type TcpAnswers = Omit<Answers, "pings">

interface Waiting {
  readonly resume: (outcome: Effect.Effect<TcpAnswers, ScanFailed>) => void
  readonly hosts: number
  readonly first: number
}

/** One thread and what it has been given. */
class ConnectThread {
  /** Hosts that it has not begun with. */
  waitingHosts = 0
  private readonly jobs = new Map<number, Waiting>()
  private ids = 0
  private failure: ScanFailed | undefined
  private readonly worker: Worker

  constructor(options: ThreadOptions) {
    this.worker = new Worker(code, { eval: true, workerData: options, env: {}, resourceLimits: heap })
    this.worker.on("message", (message: unknown) => this.take(message))
    this.worker.on("error", (error) => this.fail(error.message))
    this.worker.on("exit", () => this.fail("its thread ended"))
  }

  /** The first of the hosts has this place in the list of which they are a part. */
  scan(hosts: ReadonlyArray<string>, first = 0): Effect.Effect<TcpAnswers, ScanFailed> {
    return Effect.callback((resume) => {
      if (this.failure !== undefined) return resume(this.failure)
      const job: Job = { id: this.ids += 1, hosts }
      this.jobs.set(job.id, { resume, hosts: hosts.length, first })
      this.waitingHosts += hosts.length
      this.worker.postMessage(job, [])
    })
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.asVoid(Effect.promise(() => this.worker.terminate()))
  )

  private take(message: unknown): void {
    const told = decode(message)
    if (told._tag === "None") return
    if ("begun" in told.value) {
      this.waitingHosts -= this.jobs.get(told.value.begun)?.hosts ?? 0
      return
    }
    const { failure, id, open, refused, silent, unreachable } = told.value
    const waiting = this.jobs.get(id)
    this.jobs.delete(id)
    if (waiting === undefined) return
    waiting.resume(
      failure === ""
        ? Effect.succeed({ open: triples(open, waiting.first), refused, silent, unreachable })
        : Effect.fail(new ScanFailed({ reason: failure }))
    )
  }

  private fail(reason: string): void {
    this.failure ??= new ScanFailed({ reason })
    for (const { resume } of this.jobs.values()) resume(this.failure)
    this.jobs.clear()
  }
}

/** `first` is the place of the job's first host in the whole list. */
const triples = (flat: Float64Array, first: number): Answers["open"] => {
  const all: Array<readonly [number, number, number]> = []
  for (let at = 0; at + 2 < flat.length; at += 3) {
    all.push([first + (flat[at] ?? 0), flat[at + 1] ?? 0, flat[at + 2] ?? 0])
  }
  return all
}

export const none: TcpAnswers = { open: [], refused: 0, silent: 0, unreachable: 0 }

/** Threads for one sweep, for as long as its scope; `usesSockets`, as they do where there is nothing faster. */
export const open = Effect.fnUntraced(function*(options: ScanOptions, usesSockets = false) {
  const count = Math.max(
    1,
    Math.min(options.threads, os.availableParallelism(), Math.ceil(options.probes / probesPerThread))
  )
  const concurrency = Math.min(options.concurrency, FileLimit.connectionsMaxOf(socketShare))
  const share: ThreadOptions = {
    ports: options.ports,
    timeoutMillis: Duration.toMillis(options.timeout),
    concurrency: Math.max(1, Math.ceil(concurrency / count)),
    ratePerSecond: options.ratePerSecond / count,
    usesSockets
  }
  const threads = yield* Effect.forEach(
    Array.from({ length: count }),
    () => Effect.acquireRelease(Effect.sync(() => new ConnectThread(share)), ({ close }) => close)
  )
  const leastLoaded = () => threads.reduce((least, thread) => thread.waitingHosts < least.waitingHosts ? thread : least)

  const scan = (hosts: ReadonlyArray<string>): Effect.Effect<TcpAnswers, ScanFailed> => {
    if (hosts.length === 0 || options.ports.length === 0) return Effect.succeed(none)
    if (hosts.length < count || hosts.length * options.ports.length < dividedMin) {
      return Effect.suspend(() => leastLoaded().scan(hosts))
    }
    const size = Math.ceil(hosts.length / count)
    return Effect.map(
      Effect.forEach(threads, (thread, at) => thread.scan(hosts.slice(at * size, (at + 1) * size), at * size), {
        concurrency: "unbounded"
      }),
      (parts) =>
        parts.reduce((all, one) => ({
          open: [...all.open, ...one.open],
          refused: all.refused + one.refused,
          silent: all.silent + one.silent,
          unreachable: all.unreachable + one.unreachable
        }), none)
    )
  }
  return { scan }
})
