/**
 * Lets the calls (of gRPC) or requests (over HTTP) of one address begin a few at a time, so that whoever sends hundreds at
 * once delays those of nobody else by more than a moment.
 *
 * A call begins as it comes. Those of an address beyond the first few wait for the next round of the event loop, in which
 * the sockets of others are read first; those who wait take turns. How long a call takes is only seen after its beginning,
 * when its request is there, so they are counted.
 */
import { FairQueue } from "./FairQueue.ts"

/** A millisecond or two of the processor. */
const callsPerRoundDefault = 4

export interface Coming {
  /** Of the client. */
  readonly address: string
  /** Of one that is gone before its turn comes, nothing begins. */
  readonly isGone: () => boolean
  readonly begin: () => void
}

export class CallTurns {
  readonly #callsPerRound: number
  readonly #waiting = new FairQueue<Coming>()
  /** Calls of each address that began in this round; none between rounds. */
  #begun: Map<string, number> | undefined

  constructor(callsPerRound = callsPerRoundDefault) {
    this.#callsPerRound = callsPerRound
  }

  add(call: Coming): void {
    const { address, begin } = call
    const begun = this.#begun ??= this.#round()
    const count = begun.get(address) ?? 0
    if (count >= this.#callsPerRound) return this.#waiting.add(address, call)
    begun.set(address, count + 1)
    begin()
  }

  #round(): Map<string, number> {
    setImmediate(() => this.#next())
    return new Map()
  }

  #next(): void {
    this.#begun = undefined
    if (this.#waiting.isEmpty) return
    const begun = this.#begun = this.#round()
    for (let count = 0; count < this.#callsPerRound; count++) {
      const call = this.#waiting.take()
      if (call === undefined) return
      if (!call.isGone()) call.begin()
    }
    // Further ones of an address stay behind those that wait already.
    for (const address of this.#waiting.lines()) begun.set(address, this.#callsPerRound)
  }
}
