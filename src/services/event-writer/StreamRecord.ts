/**
 * What one stream's writer did so far, kept where its restarts do not lose it: counters, rates, latencies, the last lag.
 */
import type { Effect } from "effect"
import { LatencyWindow } from "../../domain/events/reporting/LatencyWindow.ts"
import { type StreamLag, total } from "../../domain/events/reporting/StreamLag.ts"
import type { WriterEvent } from "../../domain/events/reporting/WriterEvent.ts"
import type { StreamName } from "../../domain/events/stream/Streams.ts"
import * as Standstill from "../../domain/pipeline/Standstill.ts"
import type { StreamStatus } from "../events/StreamStatus.ts"
import * as WriterMetrics from "./WriterMetrics.ts"

interface Sample {
  readonly atMillis: number
  readonly stored: number
  readonly rows: number
}

/** Rates are over this many samples, taken once per look at the lag. */
const samplesMax = 4

export class StreamRecord {
  readonly stream: StreamName
  readonly metrics: WriterMetrics.WriterMetrics
  readonly tell: (event: WriterEvent) => Effect.Effect<unknown>
  readonly latencies = new LatencyWindow()
  readonly #samples: Array<Sample> = []
  #standstill: Standstill.Standstill
  #lag: StreamLag | undefined = undefined
  received = 0
  stored = 0
  rowsInserted = 0
  rowsRepeated = 0
  deadLettered = 0
  retried = 0
  /** Whether messages were ever asked for: before, streams and consumers may have to be made. */
  hasSubscribed = false
  /** Why nothing can be fetched right now; empty while all is well. */
  problem = ""
  readonly #unhealthy = new Map<"store" | "dead letters", string>()

  constructor(stream: StreamName, nowMillis: number, tell: (event: WriterEvent) => Effect.Effect<unknown>) {
    this.stream = stream
    this.metrics = WriterMetrics.make(stream)
    this.tell = tell
    this.#standstill = Standstill.start(nowMillis)
  }

  /** Giving back what then comes again is no progress. */
  get settled(): number {
    return this.stored + this.deadLettered
  }

  /** Messages cannot be stored or kept as dead letters, though database and NATS answer; whether that is news. */
  markUnhealthy(where: "store" | "dead letters", detail: string): boolean {
    const isNews = !this.#unhealthy.has(where)
    this.#unhealthy.set(where, detail)
    return isNews
  }

  markHealthy(where: "store" | "dead letters"): void {
    this.#unhealthy.delete(where)
  }

  /** Neither subscribed nor known why not. */
  get isOpening(): boolean {
    return !this.hasSubscribed && this.problem === ""
  }

  /** Why what was fetched cannot be settled. */
  get unhealthyReason(): string {
    return [...this.#unhealthy.values()].join("; ")
  }

  get trouble(): string {
    return [...this.problem === "" ? [] : [this.problem], ...this.#unhealthy.values()].join("; ")
  }

  sample(lag: StreamLag | undefined, nowMillis: number): void {
    this.#samples.push({ atMillis: nowMillis, stored: this.stored, rows: this.rowsInserted })
    if (this.#samples.length > samplesMax) this.#samples.shift()
    if (lag === undefined) return
    this.#lag = lag
    this.#standstill = Standstill.observe(this.#standstill, total(lag), this.settled, nowMillis)
  }

  /** Messages that waited when it was last looked. */
  get waiting(): number {
    return this.#lag === undefined ? 0 : total(this.#lag)
  }

  standingMillis(nowMillis: number): number {
    return Standstill.standingMillis(this.#standstill, nowMillis)
  }

  status(nowMillis: number): StreamStatus {
    const first = this.#samples[0]
    const last = this.#samples[this.#samples.length - 1]
    const seconds = first === undefined || last === undefined ? 0 : (last.atMillis - first.atMillis) / 1000
    const rate = (of: (sample: Sample) => number): number =>
      first === undefined || last === undefined || seconds <= 0 ? 0 : (of(last) - of(first)) / seconds
    return {
      stream: this.stream,
      received: this.received,
      stored: this.stored,
      rowsInserted: this.rowsInserted,
      rowsRepeated: this.rowsRepeated,
      deadLettered: this.deadLettered,
      retried: this.retried,
      messagesPerSecond: rate((sample) => sample.stored),
      rowsPerSecond: rate((sample) => sample.rows),
      latencyMillis: this.latencies.quantiles(nowMillis),
      lag: this.#lag,
      problem: this.trouble
    }
  }
}
