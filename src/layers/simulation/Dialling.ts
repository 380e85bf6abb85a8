/**
 * The connection of a simulated channel, by the rules of the real one: dialled when the first call wants it, sought again in
 * the background once an attempt has failed, and calls fail at once between two attempts that follow a failure.
 */
import { Duration, Effect } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Socket } from "../../services/simulation/Connection.ts"
import type { Network } from "../../services/simulation/Network.ts"
import type { Process } from "../../services/simulation/Process.ts"
import type { ClientCredentials } from "../grpc/GrpcCredentials.ts"
import * as Handshake from "./Handshake.ts"
import { type KeepaliveTimes, Line } from "./Line.ts"

export interface DialOptions {
  readonly target: string
  readonly timeoutMillis: number
  readonly backoff: Backoff.CappedOptions
  readonly keepalive: KeepaliveTimes
  /** Without them, and where they show nothing, there is no handshake. */
  readonly credentials: ClientCredentials | undefined
  /** By which the other side's certificate is judged. */
  readonly atMillis: () => number
}

interface Opened {
  readonly opened: (socket: Socket) => void
  readonly failed: (reason: string) => void
}

interface Waiter {
  readonly isPatient: boolean
  readonly connected: (line: Line) => void
  readonly failed: (reason: string) => void
}

const closedReason = "the channel is closed"

export class Dialling {
  readonly #process: Process
  readonly #network: Network
  readonly #options: DialOptions
  readonly #waiters = new Set<Waiter>()
  readonly #onLoss = new Set<() => void>()
  readonly #retired = new Set<Line>()
  #line: Line | undefined
  #cancelDial: (() => void) | undefined
  #pause: Appointment | undefined
  #failure: string | undefined
  #failures = 0
  #beganMicros = -Infinity
  #isClosed = false

  constructor(process: Process, network: Network, options: DialOptions) {
    this.#process = process
    this.#network = network
    this.#options = options
  }

  onLoss(listener: () => void): void {
    this.#onLoss.add(listener)
  }

  /** Tells the waiter as soon as something is known, also at once; answers how to wait no longer. */
  wait(waiter: Waiter): () => void {
    const refusal = this.#refusal(waiter.isPatient)
    if (refusal !== undefined) waiter.failed(refusal)
    if (refusal === undefined && this.#line !== undefined) waiter.connected(this.#line)
    if (refusal !== undefined || this.#line !== undefined) return () => {}
    this.#waiters.add(waiter)
    if (this.#failure === undefined || this.#mayBegin()) this.#connect()
    return () => void this.#waiters.delete(waiter)
  }

  /** Why a call fails at once, if it does. */
  #refusal(isPatient: boolean): string | undefined {
    if (this.#isClosed) return closedReason
    return this.#line !== undefined || isPatient || this.#mayBegin() ? undefined : this.#failure
  }

  close(): void {
    this.#isClosed = true
    this.#pause?.cancel()
    this.#cancelDial?.()
    const lines = [...this.#retired, ...(this.#line === undefined ? [] : [this.#line])]
    this.#line = undefined
    this.#retired.clear()
    for (const line of lines) line.close()
    for (const waiter of this.#take(() => true)) waiter.failed(closedReason)
  }

  #sinceMillis(): number {
    return (this.#process.host.monotonicMicros - this.#beganMicros) / 1_000
  }

  #mayBegin(): boolean {
    return this.#cancelDial === undefined && this.#sinceMillis() >= Duration.toMillis(this.#options.backoff.from)
  }

  #connect(): void {
    if (this.#isClosed || this.#cancelDial !== undefined) return
    this.#pause?.cancel()
    this.#beganMicros = this.#process.host.monotonicMicros
    this.#cancelDial = this.#dial({
      opened: (socket) => {
        this.#cancelDial = undefined
        if (this.#isClosed) return socket.close()
        this.#failure = undefined
        this.#failures = 0
        const line = this.#over(socket)
        this.#line = line
        for (const waiter of this.#take(() => true)) waiter.connected(line)
      },
      failed: (reason) => this.#failed(reason)
    })
  }

  #over(socket: Socket): Line {
    const line: Line = new Line(this.#process, socket, this.#options.keepalive, {
      ended: () => this.#ended(line),
      // The next call seeks another one, as with grpc-js.
      goesAway: () => {
        if (this.#line !== line) return
        this.#line = undefined
        this.#retire(line)
      }
    })
    return line
  }

  /** Answers how to give it up. */
  #dial({ failed, opened }: Opened): () => void {
    const { atMillis, credentials, target, timeoutMillis } = this.#options
    if (credentials?.identity === undefined) {
      return this.#network.dial(this.#process, target, timeoutMillis, { opened, failed })
    }
    let isOver = false
    let shaking: Socket | undefined
    const over = (act: () => void) => {
      if (isOver) return
      isOver = true
      timer.cancel()
      act()
    }
    const timer = this.#process.later(timeoutMillis, () =>
      over(() => {
        shaking?.close()
        failed(`${target} does not come to terms`)
      }))
    const cancel = this.#network.dial(this.#process, target, timeoutMillis, {
      opened: (socket) => {
        if (isOver) return socket.close()
        shaking = socket
        Handshake.shake(socket, target, { atMillis, credentials }, {
          connected: () => over(() => opened(socket)),
          failed: (reason) => over(() => failed(reason))
        })
      },
      failed: (reason) => over(() => failed(reason))
    })
    return () =>
      over(() => {
        cancel()
        shaking?.close()
      })
  }

  /** As with a real channel: one that is not connected has nothing to give up, its next connection is a new one. */
  readonly renew: Effect.Effect<boolean> = Effect.callback((resume) => {
    if (this.#cancelDial !== undefined) return resume(Effect.succeed(false))
    const old = this.#line
    if (old === undefined) return resume(Effect.succeed(true))
    const cancel = this.#dial({
      opened: (socket) => {
        if (this.#isClosed) return socket.close()
        const before = this.#line
        this.#line = this.#over(socket)
        if (before !== undefined) this.#retire(before)
        resume(Effect.succeed(true))
      },
      failed: () => resume(Effect.succeed(false))
    })
    return Effect.sync(cancel)
  })

  /** It ends with the calls that have begun on it. */
  #retire(line: Line): void {
    this.#retired.add(line)
    line.retire()
  }

  #failed(reason: string): void {
    this.#cancelDial = undefined
    if (this.#isClosed) return
    const { backoff } = this.#options
    const pause = Backoff.delay(backoff, this.#failures, this.#process.random.next())
    this.#failure = `No connection established. Last error: ${reason}`
    this.#failures += 1
    const leftMillis = Math.max(0, Duration.toMillis(pause) - this.#sinceMillis())
    this.#pause = this.#process.later(leftMillis, () => this.#connect())
    for (const waiter of this.#take(({ isPatient }) => !isPatient)) waiter.failed(this.#failure)
  }

  #ended(line: Line): void {
    this.#retired.delete(line)
    if (this.#line !== line) return
    this.#line = undefined
    if (this.#isClosed) return
    for (const listener of this.#onLoss) listener()
  }

  #take(which: (waiter: Waiter) => boolean): ReadonlyArray<Waiter> {
    const taken = [...this.#waiters].filter(which)
    for (const waiter of taken) this.#waiters.delete(waiter)
    return taken
  }
}
