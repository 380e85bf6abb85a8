/**
 * From publishing to being queryable, as somebody sees it who asks: messages of our own among the others, and SQL every
 * ten milliseconds until they are there. So the figures are too high by up to ten milliseconds, and never too low.
 */
import { headers } from "@nats-io/transport-node"
import * as EventFrames from "../peers/EventFrames.ts"
import { flowProtobuf, isoOf, logGelf, metricObject, type Sample } from "../peers/EventSamples.ts"
import { pause } from "./Bench.ts"
import type { Servers } from "./Servers.ts"

const everyMillis = 50
const askMillis = 10

const targets: ReadonlyArray<{ readonly sample: Sample; readonly column: string }> = [
  { sample: metricObject, column: "timestamp" },
  { sample: flowProtobuf, column: "time" },
  { sample: logGelf, column: "timestamp" }
]

export interface Probed {
  readonly count: number
  readonly missing: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

interface Waiting {
  readonly micros: number
  readonly publishedMillis: number
}

/** Whole milliseconds, which may come back a microsecond short: JSON tells seconds as a number. */
const keyOf = (table: string, micros: number): string => `${table} ${micros}`

/** Theirs alone, so that they are not counted with the others. */
const tenant = "probe"

const payloadOf = (sample: Sample, micros: number, number: number): Buffer => {
  const frame = EventFrames.make(sample, "")
  const target = Buffer.alloc(frame.bytes.length)
  EventFrames.write(frame, target, 0, { micros, number, stepMicros: 2 })
  return target.subarray(target.length - 2 - sample.data.length, target.length - 2)
}

const askText = targets
  .map(({ column, sample }) =>
    `select '${sample.table} ' || (extract(epoch from ${column}) * 1000000)::int8 as found
     from platform.${sample.table} where tenant_id = '${tenant}' and ${column} = any($1::timestamptz[])`
  )
  .join(" union all ")

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Publishes until it is told to stop, then waits for what is missing. */
export const start = (servers: Servers): () => Promise<Probed> => {
  const waiting = new Map<string, Waiting>()
  const latencies: Array<number> = []
  const stopping = new AbortController()
  const isStopped = () => stopping.signal.aborted
  let count = 0

  const publish = async () => {
    const first = Math.floor(performance.timeOrigin + performance.now()) * 1000
    const marked = headers()
    marked.set("x-tenant-id", tenant)
    while (!isStopped()) {
      const target = targets[count % targets.length]
      if (target === undefined) return
      const micros = first + count * 1_000
      const data = payloadOf(target.sample, micros, EventFrames.numberFirst + count)
      waiting.set(keyOf(target.sample.table, micros), { micros, publishedMillis: performance.now() })
      servers.nc.publish(target.sample.subject, data, { headers: marked })
      count += 1
      await pause(everyMillis)
    }
  }

  const ask = async () => {
    const isLate = () => {
      const oldest = waiting.values().next().value
      return oldest === undefined || performance.now() - oldest.publishedMillis > 60_000
    }
    while (!isStopped() || !isLate()) {
      const moments = Array.from(waiting.values(), ({ micros }) => [isoOf(micros - 1), isoOf(micros)]).flat()
      const found = moments.length === 0 ? [] : await servers.query(askText, [moments])
      const now = performance.now()
      for (const row of found) {
        const [table = "", micros = ""] = String(Object.values(row)[0]).split(" ")
        const key = keyOf(table, Math.round(Number(micros) / 1000) * 1000)
        const probe = waiting.get(key)
        if (probe !== undefined) latencies.push(now - probe.publishedMillis)
        waiting.delete(key)
      }
      await pause(askMillis)
    }
  }

  const both = Promise.all([publish(), ask()])
  return async () => {
    stopping.abort()
    await both
    const sorted = latencies.toSorted((one, other) => one - other)
    return {
      count,
      missing: waiting.size,
      p50: Math.round(quantile(sorted, 0.5)),
      p99: Math.round(quantile(sorted, 0.99)),
      max: Math.round(sorted.at(-1) ?? 0)
    }
  }
}
