/**
 * Tries hosts: opens TCP connections and sends echo requests, so many at once and so fast as it is told.
 *
 * What it takes for that (threads, programs) it has between `open` and the end of the scope only.
 */
import { Context, type Duration, type Effect, Schema, type Scope } from "effect"
import type { PlannedHost } from "../../../domain/agent/sweep/SweepPlan.ts"

/** It cannot go on; what it was asked for is to be asked for again. */
export class ScanFailed extends Schema.TaggedError<ScanFailed>()("ScanFailed", { reason: Schema.String }) {
  override get message(): string {
    return `the sweep cannot go on: ${this.reason}`
  }
}

export interface ScanOptions {
  readonly ports: ReadonlyArray<number>
  /** In all, to judge how much help it is worth. */
  readonly probes: number
  readonly usesIcmp: boolean
  readonly timeout: Duration.Duration
  readonly concurrency: number
  /** TCP connections begun in a second; 0: no limit. */
  readonly ratePerSecond: number
  readonly icmpRatePerSecond: number
  /** At most; a small sweep has fewer. */
  readonly threads: number
}

export interface Answers {
  /** Place of the host in the list, port, nanoseconds until it was open. */
  readonly open: ReadonlyArray<readonly [host: number, port: number, nanos: number]>
  /** Place of the host, nanoseconds of the round trip, percent lost; of those that answered. */
  readonly pings: ReadonlyArray<readonly [host: number, nanos: number, lossPercent: number]>
  /** Connections that were refused. */
  readonly refused: number
  /** Connections that nobody answered in time. */
  readonly silent: number
  /** Connections that this host or a router on the way said cannot be made. */
  readonly unreachable: number
}

export interface ScanSession {
  /** The program that sends the echo requests, or why there is none; empty where none are sent. */
  readonly icmpBy: string
  readonly scan: (hosts: ReadonlyArray<PlannedHost>) => Effect.Effect<Answers, ScanFailed>
}

export class SweepScanner extends Context.Service<SweepScanner, {
  readonly open: (options: ScanOptions) => Effect.Effect<ScanSession, ScanFailed, Scope.Scope>
}>()("serviceradar-effect/services/agent/sweep/SweepScanner") {}
