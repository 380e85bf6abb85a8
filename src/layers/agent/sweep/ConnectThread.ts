/**
 * Opens TCP connections in a thread of its own, so that the agent's checks do not wait for them.
 *
 * The published command is one bundle, so the thread's code is no file: `connectThread` is handed over as text, and uses
 * nothing but its arguments. It has so many connections on the way as it is told, begins so many in a second, and ends
 * each by a reset, so that a sweep leaves no TIME_WAIT sockets behind.
 */
import type * as Net from "node:net"
import type * as Timers from "node:timers"
import type * as Util from "node:util"
import type * as Threads from "node:worker_threads"
import type { Connection, connectionOpener } from "../../sockets/ConnectionOpener.ts"

export interface ThreadOptions {
  readonly ports: ReadonlyArray<number>
  readonly timeoutMillis: number
  readonly concurrency: number
  /** 0: no limit. */
  readonly ratePerSecond: number
  /** Whether to do with Node's sockets what its handles would do. */
  readonly usesSockets: boolean
}

export interface Job {
  readonly id: number
  readonly hosts: ReadonlyArray<string>
}

export const connectThread = (
  net: typeof Net,
  threads: typeof Threads,
  timers: typeof Timers,
  util: typeof Util,
  makeOpener: typeof connectionOpener
): void => {
  const { parentPort, workerData } = threads
  const { concurrency, ports, ratePerSecond, timeoutMillis, usesSockets }: ThreadOptions = workerData
  /** How often and how long a connection waits when this host is out of sockets for a moment. */
  const retriesMax = 100
  const retryMillis = 50
  const tickMillis = 5
  // A refused connection is an everyday answer here, and its stack costs more than itself.
  Error.stackTraceLimit = 0

  interface Running {
    readonly id: number
    readonly hosts: ReadonlyArray<string>
    /** Pairs of host and port, the ports of the first hosts last, so that no host has all its ports tried at once. */
    next: number
    pending: number
    refused: number
    silent: number
    unreachable: number
    failure: string
    isTold: boolean
    readonly open: Array<number>
  }
  interface Attempt {
    readonly job: Running
    readonly pair: number
    readonly tries: number
    readonly startedMillis: number
    isOver: boolean
    connection: Connection | undefined
  }

  const jobs: Array<Running> = []
  /** Pairs to try again: this host had no socket for them. */
  const again: Array<{ readonly job: Running; readonly pair: number; readonly tries: number }> = []
  /** In the order in which they began, which is that of their time limits. */
  let begun: Array<Attempt> = []
  let oldest = 0
  let active = 0
  let isHeld = false
  let credit = ratePerSecond === 0 ? Number.POSITIVE_INFINITY : 1
  let creditMillis = performance.now()

  const finish = (job: Running): void => {
    if (job.isTold || job.pending > 0 || (job.failure === "" && job.next < job.hosts.length * ports.length)) return
    job.isTold = true
    const { failure, id, refused, silent, unreachable } = job
    const open = Float64Array.from(job.open)
    parentPort?.postMessage({ id, open, refused, silent, unreachable, failure }, [open.buffer])
  }

  const end = (attempt: Attempt): void => {
    attempt.isOver = true
    attempt.connection = undefined
    active -= 1
    attempt.job.pending -= 1
    finish(attempt.job)
  }

  /** What this host lacks for a moment, in the system's words. */
  const isShortage = (code: string): boolean =>
    code === "EMFILE" || code === "ENFILE" || code === "ENOBUFS" || code === "ENOMEM" || code === "EADDRNOTAVAIL" ||
    code === "EAGAIN"

  const onFailure = (attempt: Attempt, code: string): void => {
    const { job, pair, tries } = attempt
    if (code === "ECONNREFUSED" || code === "ECONNRESET") job.refused += 1
    else if (isShortage(code)) {
      if (tries < retriesMax) {
        again.push({ job, pair, tries: tries + 1 })
        job.pending += 1
        isHeld = true
        timers.setTimeout(() => {
          isHeld = false
          fill()
        }, retryMillis)
      } else job.failure = `this host cannot open another connection (${code})`
    } else if (code === "ETIMEDOUT") job.silent += 1
    else job.unreachable += 1
    attempt.connection?.close()
    end(attempt)
  }

  const onOpen = (attempt: Attempt): void => {
    const { job, pair, startedMillis } = attempt
    const port = ports[Math.floor(pair / job.hosts.length)] ?? 0
    job.open.push(pair % job.hosts.length, port, Math.round((performance.now() - startedMillis) * 1e6))
    attempt.connection?.reset()
    end(attempt)
  }

  const open = makeOpener<Attempt>(net, timers, util, {
    usesSockets,
    told: (attempt, code) => {
      if (attempt.isOver) return
      if (code === "") onOpen(attempt)
      else onFailure(attempt, code)
      fill()
    }
  })

  const begin = (job: Running, pair: number, tries: number): void => {
    const host = job.hosts[pair % job.hosts.length] ?? ""
    const port = ports[Math.floor(pair / job.hosts.length)] ?? 0
    const startedMillis = performance.now()
    const attempt: Attempt = { job, pair, tries, startedMillis, isOver: false, connection: undefined }
    active += 1
    job.pending += 1
    credit -= 1
    begun.push(attempt)
    attempt.connection = open(attempt, host, port)
  }

  /** The next pair to try, if there is any. */
  const take = (): { readonly job: Running; readonly pair: number; readonly tries: number } | undefined => {
    const retried = again.pop()
    if (retried !== undefined) {
      retried.job.pending -= 1
      return retried
    }
    const [job] = jobs
    if (job === undefined) return undefined
    const pair = job.next
    job.next += 1
    if (job.next >= job.hosts.length * ports.length) {
      jobs.shift()
      // Whoever gives out jobs has time for the next one now.
      parentPort?.postMessage({ begun: job.id }, [])
    }
    return { job, pair, tries: 0 }
  }

  const mayBegin = (): boolean => !isHeld && active < concurrency && credit >= 1

  const fill = (): void => {
    while (mayBegin()) {
      const next = take()
      if (next === undefined) return
      if (next.job.failure === "") begin(next.job, next.pair, next.tries)
      else finish(next.job)
    }
  }

  const expire = (nowMillis: number): void => {
    for (let attempt = begun[oldest]; attempt !== undefined; attempt = begun[oldest]) {
      if (!attempt.isOver) {
        if (nowMillis - attempt.startedMillis < timeoutMillis) break
        attempt.job.silent += 1
        attempt.connection?.close()
        end(attempt)
      }
      oldest += 1
    }
    if (oldest > 4096 || oldest === begun.length) {
      begun = begun.slice(oldest)
      oldest = 0
    }
  }

  timers.setInterval(() => {
    const nowMillis = performance.now()
    expire(nowMillis)
    if (ratePerSecond > 0) {
      // A second's worth at most would come at once after a pause; a few ticks' are enough.
      const burst = Math.max(1, ratePerSecond * 4 * tickMillis / 1000)
      credit = Math.min(burst, credit + (nowMillis - creditMillis) * ratePerSecond / 1000)
    }
    creditMillis = nowMillis
    fill()
  }, tickMillis)

  parentPort?.on("message", ({ hosts, id }: Job) => {
    jobs.push({
      id,
      hosts,
      next: 0,
      pending: 0,
      refused: 0,
      silent: 0,
      unreachable: 0,
      failure: "",
      isTold: false,
      open: []
    })
    fill()
  })
}
