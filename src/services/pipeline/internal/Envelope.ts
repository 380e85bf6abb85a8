/**
 * A message on its way, and the ledger of all that have no outcome yet.
 *
 * Whoever holds a message (a producer, an inbox, a stage, a handler that cannot be interrupted), the ledger knows it:
 * so the end of a pipeline can give an outcome to each, without asking the holders.
 */
import type { Crashed, Failed } from "../../../domain/pipeline/Outcome.ts"
import type { Route } from "../Batch.ts"
import type { BatchMode } from "./BatchMode.ts"

export interface Envelope<In, E, O> {
  readonly message: In
  /** What handlers get in place of the message, once `prepareMessages` has run. */
  prepared: In
  /** The key that keeps its order; `undefined` without `partitionBy`. */
  partition: string | number | undefined
  route: Route | undefined
  readonly batchMode: BatchMode
  /** Of a message that is handled and waits for the rest of its chunk. */
  verdict: "ok" | Failed<E> | Crashed | undefined
  /** What the acknowledger is told besides. */
  options: O
  isSettled: boolean
  previous: Envelope<In, E, O> | undefined
  next: Envelope<In, E, O> | undefined
}

/** A list with links both ways: a message joins and leaves without a search, and costs no entry of its own. */
export class Ledger<In, E, O> {
  #first: Envelope<In, E, O> | undefined
  #last: Envelope<In, E, O> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  add(message: In, options: O, batchMode: BatchMode): Envelope<In, E, O> {
    const envelope: Envelope<In, E, O> = {
      message,
      prepared: message,
      partition: undefined,
      route: undefined,
      batchMode,
      verdict: undefined,
      options,
      isSettled: false,
      previous: this.#last,
      next: undefined
    }
    if (this.#last === undefined) this.#first = envelope
    else this.#last.next = envelope
    this.#last = envelope
    this.#size += 1
    return envelope
  }

  /** Takes the message out, once: `false` when it has its outcome already. */
  claim(envelope: Envelope<In, E, O>): boolean {
    if (envelope.isSettled) return false
    envelope.isSettled = true
    const { next, previous } = envelope
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    envelope.previous = undefined
    envelope.next = undefined
    this.#size -= 1
    return true
  }

  /** All that wait for their outcome, the oldest first. */
  get all(): ReadonlyArray<Envelope<In, E, O>> {
    const all: Array<Envelope<In, E, O>> = []
    for (let envelope = this.#first; envelope !== undefined; envelope = envelope.next) all.push(envelope)
    return all
  }
}
