/** Whether a port of an address is open, for what asks a thousand times a second: no fiber, no stream, one timer. */
import { Duration } from "effect"
import type { LookupAddress } from "node:dns"
import * as net from "node:net"
import * as timers from "node:timers"
import * as util from "node:util"
import { type Connection, connectionOpener } from "../sockets/ConnectionOpener.ts"
import { later } from "../sockets/Timer.ts"
import * as Reason from "./Reason.ts"

export interface Door {
  readonly address: LookupAddress["address"]
  readonly port: number
  readonly limit: Duration.Duration
  /** Hears once why the port is not open, or nothing but an empty text where it is. */
  readonly told: (reason: string) => void
}

class Attempt {
  connection: Connection | undefined
  forgetLimit = () => {}
  readonly #told: Door["told"]
  #isOver = false

  constructor(told: Door["told"]) {
    this.#told = told
  }

  end(reason: string): void {
    if (this.#isOver) return
    this.close(reason === "")
    this.#told(reason)
  }

  close(isOpen: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.forgetLimit()
    // An open one is reset, so that no TIME_WAIT stays behind.
    if (isOpen) this.connection?.reset()
    else this.connection?.close()
    this.connection = undefined
  }
}

const open = connectionOpener<Attempt>(net, timers, util, {
  usesSockets: false,
  told: (attempt, code) =>
    attempt.end(code === "" ? "" : Reason.describe(Object.assign(new Error(`connect ${code}`), { code })))
})

/** Gives back how to knock no longer. */
export const knock = ({ address, limit, port, told }: Door): () => void => {
  const attempt = new Attempt(told)
  attempt.connection = open(attempt, address, port)
  attempt.forgetLimit = later(
    Duration.toMillis(limit),
    () => attempt.end(`timed out after ${Duration.format(limit)}`)
  )
  return () => attempt.close(false)
}
