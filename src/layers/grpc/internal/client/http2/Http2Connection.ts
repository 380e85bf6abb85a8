/**
 * The connection of a channel over HTTP/2: dialled when the first call wants it, given up at GOAWAY, and sought again
 * in the background once an attempt has failed. A call between two attempts begins the next one, unless the last has only
 * just begun; during one that follows a failure calls fail at once with its reason, but for those that wait.
 */
import { Duration } from "effect"
import * as Backoff from "../../../../../domain/backoff/Backoff.ts"
import { later } from "../../../../sockets/Timer.ts"
import { dial, type Dialled, type DialOptions } from "./Dial.ts"
import { Keepalive, type KeepaliveOptions } from "./Keepalive.ts"
import type { Session } from "./wire/Session.ts"

export interface ConnectionOptions extends DialOptions {
  /** Between the beginnings of two attempts. */
  readonly backoff: Backoff.CappedOptions
  readonly keepalive: KeepaliveOptions
}

/** A session that takes calls. */
export class Line {
  readonly session: Session
  readonly peer: string
  readonly keepalive: Keepalive

  constructor(session: Session, options: KeepaliveOptions) {
    const { remoteAddress, remotePort } = session.socket
    this.session = session
    this.peer = remoteAddress === undefined
      ? ""
      : `${remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
    this.keepalive = new Keepalive(options, session, () => session.destroy())
  }
}

/** Who waits for a connection is told of it, or why there is none. */
export interface Waiter {
  readonly isPatient: boolean
  readonly connected: (line: Line) => void
  readonly failed: (reason: string) => void
}

const closedReason = "the channel is closed"

/** What a server says that is pinged more often than it likes. */
const tooManyPings = Buffer.from("too_many_pings")
const enhanceYourCalm = 11

export class Http2Connection {
  readonly #options: ConnectionOptions
  readonly #onLoss = new Set<() => void>()
  readonly #waiters = new Set<Waiter>()
  #line: Line | undefined
  #cancelDial: (() => void) | undefined
  #cancelPause: (() => void) | undefined
  /** Of the last attempt; undefined once one has succeeded. */
  #failure: string | undefined
  #failures = 0
  /** Of the last attempt. */
  #beganMillis = 0
  #isClosed = false
  #keepaliveFactor = 1

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** The session of the moment, for a call that need not wait. */
  get line(): Line | undefined {
    return this.#line
  }

  get state(): "ready" | "connecting" | "idle" {
    if (this.#line !== undefined) return "ready"
    return this.#cancelDial === undefined ? "idle" : "connecting"
  }

  /** Called when an established connection ends, unless another has taken its place. */
  onLoss(listener: () => void): void {
    this.#onLoss.add(listener)
  }

  /** Tells the waiter as soon as something is known, also at once; answers how to wait no longer. */
  wait(waiter: Waiter): () => void {
    if (this.#isClosed) waiter.failed(closedReason)
    else if (this.#line !== undefined) waiter.connected(this.#line)
    else if (this.#failure !== undefined && !waiter.isPatient && !this.#mayBegin()) waiter.failed(this.#failure)
    else {
      this.#waiters.add(waiter)
      if (this.#failure === undefined || this.#mayBegin()) this.#connect()
      return () => void this.#waiters.delete(waiter)
    }
    return () => {}
  }

  /** Another session in place of the present one, which ends with its calls; whether it came about. */
  renew(done: (isRenewed: boolean) => void): () => void {
    return dial(this.#options, (dialled) => {
      if ("reason" in dialled) return done(false)
      if (this.#isClosed || this.#line === undefined) {
        dialled.session.destroy()
        return done(!this.#isClosed)
      }
      const { session } = this.#line
      this.#use(dialled.session)
      session.close()
      done(true)
    })
  }

  /** Takes no more calls on a session that turned out to take none. */
  giveUp(line: Line): void {
    this.#ended(line)
    line.session.close()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelPause?.()
    this.#cancelDial?.()
    const line = this.#line
    this.#line = undefined
    line?.keepalive.stop()
    line?.session.destroy()
    for (const waiter of this.#take(() => true)) waiter.failed(closedReason)
  }

  /** Whoever asks often for a peer that is away does not dial more often than the shortest pause allows. */
  #mayBegin(): boolean {
    const sinceMillis = performance.now() - this.#beganMillis
    return this.#cancelDial === undefined && sinceMillis >= Duration.toMillis(this.#options.backoff.from)
  }

  #connect(): void {
    if (this.#isClosed || this.#cancelDial !== undefined) return
    this.#cancelPause?.()
    this.#beganMillis = performance.now()
    this.#cancelDial = dial(this.#options, (dialled) => this.#dialled(dialled))
  }

  #dialled(dialled: Dialled): void {
    this.#cancelDial = undefined
    if ("session" in dialled) {
      if (this.#isClosed) return dialled.session.destroy()
      this.#failure = undefined
      this.#failures = 0
      const line = this.#use(dialled.session)
      for (const waiter of this.#take(() => true)) waiter.connected(line)
      return
    }
    if (this.#isClosed) return
    const reason = `No connection established. Last error: ${dialled.reason}`
    const pause = Backoff.delay(this.#options.backoff, this.#failures, Math.random())
    this.#failure = reason
    this.#failures += 1
    const leftMillis = Math.max(0, Duration.toMillis(pause) - (performance.now() - this.#beganMillis))
    this.#cancelPause = later(leftMillis, () => this.#connect())
    for (const waiter of this.#take(({ isPatient }) => !isPatient)) waiter.failed(reason)
  }

  #take(which: (waiter: Waiter) => boolean): ReadonlyArray<Waiter> {
    const taken = [...this.#waiters].filter(which)
    for (const waiter of taken) this.#waiters.delete(waiter)
    return taken
  }

  #use(session: Session): Line {
    const { keepalive } = this.#options
    const line = new Line(session, { ...keepalive, everyMillis: keepalive.everyMillis * this.#keepaliveFactor })
    const ended = () => this.#ended(line)
    session.watcher = {
      ready: () => {},
      goaway: (code, data) => {
        if (code === enhanceYourCalm && tooManyPings.equals(data)) this.#keepaliveFactor *= 2
        ended()
      },
      ended: () => {
        line.keepalive.stop()
        ended()
      }
    }
    this.#line = line
    return line
  }

  #ended(line: Line): void {
    if (this.#line !== line) return
    this.#line = undefined
    if (this.#isClosed) return
    for (const listener of this.#onLoss) listener()
  }
}
