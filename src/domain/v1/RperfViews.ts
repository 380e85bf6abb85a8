/** Throughput and loss between hosts, one entry for each test. */
import { DateTime, Option, Schema } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import { reader } from "./Measured.ts"

const number = Schema.optionalKey(Schema.NullOr(Schema.Finite))

const Summary = Schema.Struct({
  bits_per_second: number,
  bytes_received: number,
  bytes_sent: number,
  duration: number,
  jitter_ms: number,
  loss_percent: number,
  packets_lost: number,
  packets_received: number,
  packets_sent: number
})

const Test = Schema.Struct({
  target: Schema.String,
  success: Schema.Boolean,
  error: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** Under either name. */
  status: Schema.optionalKey(Schema.NullOr(Summary)),
  summary: Schema.optionalKey(Schema.NullOr(Summary))
})

const Results = Schema.Struct({ status: Schema.Struct({ results: Schema.Array(Test) }) })

const read = reader(Results)

interface RperfReading {
  readonly status: PastStatus
  readonly view: ReturnType<typeof viewOf>
}

const viewOf = (at: DateTime.Utc, { error, status, success, summary, target }: typeof Test.Type) => {
  const said = status ?? summary ?? {}
  return {
    timestamp: DateTime.formatIso(at),
    name: `rperf_${target.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}`,
    bits_per_second: said.bits_per_second ?? 0,
    bytes_received: said.bytes_received ?? 0,
    bytes_sent: said.bytes_sent ?? 0,
    duration: said.duration ?? 0,
    jitter_ms: said.jitter_ms ?? 0,
    loss_percent: said.loss_percent ?? 0,
    packets_lost: said.packets_lost ?? 0,
    packets_received: said.packets_received ?? 0,
    packets_sent: said.packets_sent ?? 0,
    success,
    target,
    ...(error === undefined || error === null || error === "" ? {} : { error })
  }
}

export const readings = (statuses: ReadonlyArray<PastStatus>): ReadonlyArray<RperfReading> =>
  statuses.flatMap((status) =>
    Option.match(read(status), {
      onNone: () => [],
      onSome: (said) => said.status.results.map((result) => ({ status, view: viewOf(status.reportedAt, result) }))
    })
  )
