/**
 * A connection between two processes as TCP has it: what is sent arrives once and in order, or the connection breaks.
 *
 * The end of a process closes its end of it; the other one hears of that over the network. An end that has forgotten the
 * connection answers what arrives with a reset.
 */
import type { Link, Sent } from "./Link.ts"
import type { Process } from "./Process.ts"

export interface Socket {
  /** The other host. */
  readonly peer: string
  readonly isOpen: boolean
  readonly send: (message: unknown, bytes: number) => void
  readonly onMessage: (take: (message: unknown) => void) => void
  /** Called once, with the reason, unless this end closed it. */
  readonly onClose: (closed: (reason: string) => void) => void
  /** The other end is told when all that was sent before has arrived. */
  readonly close: () => void
}

/** Headers of a segment. */
const segmentBytes = 60

class End implements Socket {
  readonly peer: string
  readonly process: Process
  isOpen = true
  /** Forgotten, without a word. */
  isForgotten = false
  /** Its host has lost its power: nobody sends again what has not arrived yet. */
  #isVanished = false
  #take: ((message: unknown) => void) | undefined
  #closed: ((reason: string) => void) | undefined
  #early: Array<unknown> = []
  #closedFor: string | undefined
  readonly #send: (sent: Sent) => void
  readonly #other: () => End
  readonly #onOver: () => void
  readonly #forgetEnding: () => void

  constructor(process: Process, peer: string, send: (sent: Sent) => void, other: () => End, onOver: () => void) {
    this.process = process
    this.peer = peer
    this.#send = send
    this.#other = other
    this.#onOver = onOver
    this.#forgetEnding = process.onEnd((how) => {
      this.#isVanished = how === "vanished"
      if (this.#isVanished) this.drop()
      else this.close()
    })
  }

  send(message: unknown, bytes: number): void {
    if (!this.isOpen) return
    this.#send({
      bytes: bytes + segmentBytes,
      arrive: () => {
        if (!this.#isVanished) this.#other().arrive(message)
      }
    })
  }

  onMessage(take: (message: unknown) => void): void {
    this.#take = take
    const early = this.#early
    this.#early = []
    for (const message of early) take(message)
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed
    const reason = this.#closedFor
    // As any event of a socket it comes when whoever asks has ended what it was about to do.
    if (reason !== undefined) this.process.enqueue(() => closed(reason))
  }

  close(): void {
    if (!this.isOpen) return
    this.drop()
    this.#send({ bytes: segmentBytes, arrive: () => this.#other().broken("the peer closed the connection") })
  }

  /** Nothing is said to the other end. */
  drop(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#forgetEnding()
    this.#onOver()
  }

  arrive(message: unknown): void {
    if (this.isForgotten || (!this.isOpen && !this.process.isAlive)) {
      return this.#send({ bytes: segmentBytes, arrive: () => this.#other().broken("the connection was reset") })
    }
    if (!this.isOpen) return
    this.process.enqueue(() => {
      if (!this.isOpen) return
      if (this.#take === undefined) this.#early.push(message)
      else this.#take(message)
    })
  }

  broken(reason: string): void {
    if (!this.isOpen) return
    this.drop()
    this.process.enqueue(() => {
      this.#closedFor = reason
      this.#closed?.(reason)
    })
  }
}

export class Connection {
  readonly client: Socket
  readonly server: Socket
  readonly #client: End
  readonly #server: End

  constructor(
    client: Process,
    server: Process,
    [there, back]: readonly [Link, Link],
    onOver: () => void
  ) {
    const over = () => {
      if (!this.#client.isOpen && !this.#server.isOpen) onOver()
    }
    const broken = () => this.reset("nothing was acknowledged for too long")
    this.#client = new End(client, server.name, there.lane(broken), () => this.#server, over)
    this.#server = new End(server, client.name, back.lane(broken), () => this.#client, over)
    this.client = this.#client
    this.server = this.#server
  }

  joins(one: string, other: string): boolean {
    const names = [this.#client.process.name, this.#server.process.name]
    return names.includes(one) && names.includes(other)
  }

  reset(reason: string): void {
    this.#client.broken(reason)
    this.#server.broken(reason)
  }

  forget(host: string): void {
    for (const end of [this.#client, this.#server]) {
      if (end.process.name !== host || !end.isOpen) continue
      end.isForgotten = true
      // Its own process is told by its kernel as soon as it says something; here at once, which peers cannot tell.
      end.broken("the connection was lost")
    }
  }
}
