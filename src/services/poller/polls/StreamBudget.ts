/**
 * What result streams of all agents hold while they are put together.
 *
 * Each has a bound of its own (`ResultsMerge.bytesMax`), but many at once would hold many times as much. When all together
 * hold too much, the one that holds most is given up: an agent that sends without end loses its own stream, and others that
 * send what is usual do not.
 */
import { Context, Deferred, Effect } from "effect"

export interface Collecting {
  bytes: number
  /** Fails when the stream is given up. */
  readonly givenUp: Deferred.Deferred<never, string>
}

const bytesMaxDefault = 256 * 1_048_576

export class Budget {
  readonly bytesMax: number
  readonly #streams = new Set<Collecting>()
  #bytes = 0

  constructor(bytesMax = bytesMaxDefault) {
    this.bytesMax = bytesMax
  }

  /** Streams that are being put together. */
  get size(): number {
    return this.#streams.size
  }

  begin(): Collecting {
    const stream: Collecting = { bytes: 0, givenUp: Deferred.makeUnsafe() }
    this.#streams.add(stream)
    return stream
  }

  add(stream: Collecting, bytes: number): void {
    if (!this.#streams.has(stream)) return
    stream.bytes += bytes
    this.#bytes += bytes
    if (this.#bytes <= this.bytesMax) return
    const largest = [...this.#streams].reduce((most, one) => one.bytes > most.bytes ? one : most)
    this.end(largest)
    Deferred.doneUnsafe(
      largest.givenUp,
      Effect.fail(
        `result streams of all agents hold more than ${this.bytesMax} bytes, and this one holds most: ${largest.bytes}`
      )
    )
  }

  /** What it holds counts no more. */
  end(stream: Collecting): void {
    if (this.#streams.delete(stream)) this.#bytes -= stream.bytes
  }
}

/** One for the process, as its memory is. */
export const StreamBudget = Context.Reference<Budget>("serviceradar/services/poller/polls/StreamBudget", {
  defaultValue: () => new Budget()
})
