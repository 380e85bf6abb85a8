/**
 * What was measured and core has not acknowledged yet: in order, bounded by count and bytes.
 *
 * When it is full the oldest waiting entry goes and is counted. A batch that is being sent is set apart and is offered
 * again, unchanged, until it is acknowledged: nothing is lost or reordered when a send fails half-way.
 */

export interface Entry<A> {
  readonly value: A
  readonly bytes: number
  readonly measuredAtMillis: number
}

export interface ReportBuffer<A> {
  readonly limits: Limits
  readonly inFlight: ReadonlyArray<Entry<A>>
  readonly waiting: ReadonlyArray<Entry<A>>
  /** Of `waiting` only. */
  readonly waitingBytes: number
  /** Since the buffer was made. */
  readonly dropped: number
}

export interface Limits {
  readonly entriesMax: number
  readonly bytesMax: number
  readonly batchSizeMax: number
  /** Core gives all statuses of one report the same time, so a batch spans no more than this. */
  readonly batchSpanMillis: number
}

export const make = <A = never>(limits: Limits): ReportBuffer<A> => ({
  limits,
  inFlight: [],
  waiting: [],
  waitingBytes: 0,
  dropped: 0
})

/** The buffer with the entry as its newest, and what had to go for it. */
export const offer = <A>(buffer: ReportBuffer<A>, entry: Entry<A>): readonly [ReportBuffer<A>, ReadonlyArray<A>] => {
  const { bytesMax, entriesMax } = buffer.limits
  const waiting = [...buffer.waiting, entry]
  let bytes = buffer.waitingBytes + entry.bytes
  let first = 0
  // The newest entry stays even when it alone is over the limit: a buffer that holds nothing reports nothing.
  while (first < waiting.length - 1 && (waiting.length - first > entriesMax || bytes > bytesMax)) {
    bytes -= waiting[first]?.bytes ?? 0
    first += 1
  }
  const gone = waiting.slice(0, first).map(({ value }) => value)
  return [
    {
      ...buffer,
      waiting: first === 0 ? waiting : waiting.slice(first),
      waitingBytes: bytes,
      dropped: buffer.dropped + first
    },
    gone
  ]
}

/** The oldest entries set apart as the batch in flight; the same batch again while one is. */
export const take = <A>(buffer: ReportBuffer<A>): ReportBuffer<A> => {
  if (buffer.inFlight.length > 0) return buffer
  const { batchSizeMax, batchSpanMillis } = buffer.limits
  const end = (buffer.waiting[0]?.measuredAtMillis ?? 0) + batchSpanMillis
  const late = buffer.waiting.findIndex(({ measuredAtMillis }) => measuredAtMillis > end)
  const size = Math.min(batchSizeMax, late === -1 ? buffer.waiting.length : late)
  const inFlight = buffer.waiting.slice(0, size)
  return {
    ...buffer,
    inFlight,
    waiting: buffer.waiting.slice(size),
    waitingBytes: buffer.waitingBytes - inFlight.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

/** The batch in flight has arrived, or has been given up. */
export const settle = <A>(buffer: ReportBuffer<A>): ReportBuffer<A> => ({ ...buffer, inFlight: [] })

export const size = (buffer: ReportBuffer<unknown>): number => buffer.inFlight.length + buffer.waiting.length
