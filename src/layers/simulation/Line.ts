/** The client's end of an established connection: numbers its calls and pings while they run, as gRPC's keepalive does. */
import { ChurningMap } from "../../domain/churn/ChurningMap.ts"
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Socket } from "../../services/simulation/Connection.ts"
import type { Process } from "../../services/simulation/Process.ts"
import { Frame } from "./Frame.ts"

export interface CallEvents {
  readonly frame: (body: Frame["body"]) => void
  readonly lost: (reason: string) => void
}

export interface LineEvents {
  readonly ended: (reason: string) => void
  /** The server asks for another connection. */
  readonly goesAway: () => void
}

export interface KeepaliveTimes {
  readonly everyMillis: number
  readonly timeoutMillis: number
}

export class Line {
  readonly #socket: Socket
  readonly #process: Process
  readonly #times: KeepaliveTimes
  readonly #calls = new ChurningMap<number, CallEvents>()
  readonly #events: LineEvents
  #number = 0
  #isRetired = false
  #ping: Appointment | undefined
  #pong: Appointment | undefined

  constructor(process: Process, socket: Socket, times: KeepaliveTimes, events: LineEvents) {
    this.#process = process
    this.#socket = socket
    this.#times = times
    this.#events = events
    socket.onMessage((message) => {
      if (!(message instanceof Frame)) return
      this.#heard()
      if (message.body._tag === "Pong") return
      if (message.body._tag === "GoAway") return this.#events.goesAway()
      this.#calls.get(message.call)?.frame(message.body)
    })
    socket.onClose((reason) => this.#ended(reason))
  }

  begin(events: CallEvents): number {
    this.#number += 1
    this.#calls.set(this.#number, events)
    if (this.#ping === undefined) this.#heard()
    return this.#number
  }

  send(call: number, body: Frame["body"]): void {
    const frame = new Frame(call, body)
    this.#socket.send(frame, frame.size)
  }

  /** It is over: what comes for it is nobody's. */
  forget(call: number): void {
    this.#calls.delete(call)
    if (this.#calls.size > 0) return
    this.#quiet()
    if (this.#isRetired) this.#leave()
  }

  /** No call begins on it any more; it is closed when those that have begun are over. */
  retire(): void {
    this.#isRetired = true
    if (this.#calls.size === 0) this.#leave()
  }

  #leave(): void {
    this.#quiet()
    this.#socket.close()
    this.#events.ended("it was replaced")
  }

  close(): void {
    this.#quiet()
    this.#socket.close()
    for (const { lost } of this.#take()) lost("the channel is closed")
  }

  #heard(): void {
    this.#quiet()
    if (this.#calls.size === 0 || !Number.isFinite(this.#times.everyMillis)) return
    this.#ping = this.#process.later(this.#times.everyMillis, () => {
      this.send(0, { _tag: "Ping" })
      this.#pong = this.#process.later(this.#times.timeoutMillis, () => {
        this.#socket.close()
        this.#ended("a ping was not answered")
      })
    })
  }

  #quiet(): void {
    this.#ping?.cancel()
    this.#pong?.cancel()
    this.#ping = undefined
    this.#pong = undefined
  }

  #ended(reason: string): void {
    this.#quiet()
    this.#events.ended(reason)
    for (const { lost } of this.#take()) lost(reason)
  }

  #take(): ReadonlyArray<CallEvents> {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    return calls
  }
}
