/**
 * Quantiles of the durations of the last minute, in constant memory: buckets that grow by a tenth, in slots of ten
 * seconds. A quantile is the upper bound of its bucket, so at most a tenth too high.
 */

const growth = Math.log(1.1)
const buckets = 160
const slotMillis = 10_000
const slots = 6

const bucketOf = (millis: number): number =>
  Math.min(buckets - 1, Math.max(0, Math.ceil(Math.log(Math.max(1, millis)) / growth)))

interface Slot {
  startMillis: number
  readonly counts: Uint32Array
}

export class LatencyWindow {
  readonly #slots: ReadonlyArray<Slot> = Array.from(
    { length: slots },
    () => ({ startMillis: -Infinity, counts: new Uint32Array(buckets) })
  )

  add(millis: number, nowMillis: number): void {
    const startMillis = Math.floor(nowMillis / slotMillis) * slotMillis
    const slot = this.#slots[(startMillis / slotMillis) % slots]
    if (slot === undefined) return
    if (slot.startMillis !== startMillis) {
      slot.startMillis = startMillis
      slot.counts.fill(0)
    }
    const bucket = bucketOf(millis)
    slot.counts[bucket] = (slot.counts[bucket] ?? 0) + 1
  }

  /** None when nothing was added within the last minute. */
  quantiles(nowMillis: number): { readonly p50: number; readonly p99: number } | undefined {
    const sums = new Uint32Array(buckets)
    let total = 0
    for (const { counts, startMillis } of this.#slots) {
      if (startMillis <= nowMillis - slots * slotMillis) continue
      counts.forEach((count, bucket) => {
        sums[bucket] = (sums[bucket] ?? 0) + count
        total += count
      })
    }
    return total === 0 ? undefined : { p50: at(sums, total, 0.5), p99: at(sums, total, 0.99) }
  }
}

const at = (sums: Uint32Array, total: number, quantile: number): number => {
  let left = Math.ceil(total * quantile)
  for (let bucket = 0; bucket < buckets; bucket++) {
    left -= sums[bucket] ?? 0
    if (left <= 0) return Math.round(Math.exp(bucket * growth))
  }
  return Math.round(Math.exp((buckets - 1) * growth))
}
