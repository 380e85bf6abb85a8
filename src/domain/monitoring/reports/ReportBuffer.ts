/**
 * What was measured and core has not acknowledged yet: in order, bounded by count and bytes.
 *
 * When it is full the oldest waiting entry goes and is counted. A batch that is being sent is set apart and is offered
 * again, unchanged, until it is acknowledged: nothing is lost or reordered when a send fails half-way. A buffer belongs
 * to one reporter and changes in place, because copying ten thousand entries for each new one would be quadratic; every
 * operation takes amortised constant time per entry.
 */

export interface Entry<A> {
  readonly value: A
  readonly bytes: number
  readonly measuredAtMillis: number
}

export interface ReportBuffer<A> {
  readonly limits: Limits
  inFlight: ReadonlyArray<Entry<A>>
  /** The slots before `first` are empty; they are given back when they are half of all. */
  readonly slots: Array<Entry<A> | undefined>
  first: number
  /** Of the waiting entries only. */
  waitingBytes: number
  /** Since the buffer was made. */
  dropped: number
}

export interface Limits {
  readonly entriesMax: number
  readonly bytesMax: number
}

/** What a batch holds at most. */
export interface BatchLimits {
  readonly sizeMax: number
  /** Core gives all statuses of one report the same time, so a batch spans no more than this. */
  readonly spanMillis: number
}

export const make = <A = never>(limits: Limits): ReportBuffer<A> => ({
  limits,
  inFlight: [],
  slots: [],
  first: 0,
  waitingBytes: 0,
  dropped: 0
})

/** Entries that are neither in flight nor settled. */
export const waitingCount = (buffer: ReportBuffer<unknown>): number => buffer.slots.length - buffer.first

export const size = (buffer: ReportBuffer<unknown>): number => buffer.inFlight.length + waitingCount(buffer)

const shift = <A>(buffer: ReportBuffer<A>): Entry<A> | undefined => {
  const { first, slots } = buffer
  const entry = slots[first]
  if (entry === undefined) return undefined
  slots[first] = undefined
  buffer.first += 1
  buffer.waitingBytes -= entry.bytes
  if (buffer.first * 2 > slots.length) {
    slots.splice(0, buffer.first)
    buffer.first = 0
  }
  return entry
}

const isOver = (buffer: ReportBuffer<unknown>): boolean =>
  waitingCount(buffer) > buffer.limits.entriesMax || buffer.waitingBytes > buffer.limits.bytesMax

/** Whether an entry of so many bytes would cost no other; an empty buffer takes any. */
export const hasRoom = (buffer: ReportBuffer<unknown>, bytes: number): boolean => {
  const { bytesMax, entriesMax } = buffer.limits
  const count = waitingCount(buffer)
  return count === 0 || (count < entriesMax && buffer.waitingBytes + bytes <= bytesMax)
}

/** Adds the entry as the newest, and gives back what had to go for it. */
export const offer = <A>(buffer: ReportBuffer<A>, entry: Entry<A>): ReadonlyArray<A> => {
  buffer.slots.push(entry)
  buffer.waitingBytes += entry.bytes
  // The newest entry stays even when it alone is over the limit: a buffer that holds nothing reports nothing.
  return dropWhile(buffer, () => waitingCount(buffer) > 1 && isOver(buffer))
}

/** Drops the oldest waiting entries for as long as they are to go, and gives them back. */
export const dropWhile = <A>(buffer: ReportBuffer<A>, isToGo: (entry: Entry<A>) => boolean): ReadonlyArray<A> => {
  const gone: Array<A> = []
  for (let next = buffer.slots[buffer.first]; next !== undefined && isToGo(next); next = buffer.slots[buffer.first]) {
    gone.push(next.value)
    shift(buffer)
  }
  buffer.dropped += gone.length
  return gone
}

/**
 * The oldest entries, set apart as the batch in flight; the same batch again while one is. The first one that may not go
 * with the oldest ends it.
 */
export const take = <A>(
  buffer: ReportBuffer<A>,
  { sizeMax, spanMillis }: BatchLimits,
  mayGoTogether: (oldest: A, one: A) => boolean = () => true
): ReadonlyArray<Entry<A>> => {
  const oldest = buffer.slots[buffer.first]
  const end = (oldest?.measuredAtMillis ?? 0) + spanMillis
  return takeWhile(buffer, (entry, taken) =>
    taken < sizeMax && entry.measuredAtMillis <= end &&
    (oldest === undefined || mayGoTogether(oldest.value, entry.value)))
}

/** As `take`, up to the first that is not among those. */
export const takeUntil = <A>(
  buffer: ReportBuffer<A>,
  isOther: (entry: Entry<A>) => boolean
): ReadonlyArray<Entry<A>> => takeWhile(buffer, (entry) => !isOther(entry))

/** What a batch holds at most whose report shows each key once. */
export interface DistinctLimits {
  readonly bytesMax: number
  /** The newest of a key stands for the others that were measured so soon after the oldest of the batch, */
  readonly joinMillis: number
  /** or for all of this time: what was measured before anything could be reported. */
  readonly joined: { readonly fromMillis: number; readonly toMillis: number }
}

/** Whose first and last entry of a key go together. */
const isJoined = (oldestMillis: number, millis: number, { joinMillis, joined }: DistinctLimits): boolean =>
  millis - oldestMillis < joinMillis || (oldestMillis >= joined.fromMillis && millis < joined.toMillis)

/**
 * As `take`, up to the first entry that is the second of its key and does not join the first, or one too many for
 * `bytesMax`; never none. `isApart`: whose every entry counts.
 */
export const takeDistinct = <A>(
  buffer: ReportBuffer<A>,
  keyOf: (value: A) => string,
  limits: DistinctLimits,
  isApart: (value: A) => boolean
): ReadonlyArray<Entry<A>> => {
  const keys = new Set<string>()
  const oldestMillis = buffer.slots[buffer.first]?.measuredAtMillis ?? 0
  let bytes = 0
  return takeWhile(buffer, (entry, taken) => {
    const key = keyOf(entry.value)
    bytes += entry.bytes
    if (taken > 0 && bytes > limits.bytesMax) return false
    if (keys.has(key) && (isApart(entry.value) || !isJoined(oldestMillis, entry.measuredAtMillis, limits))) return false
    keys.add(key)
    return true
  })
}

const takeWhile = <A>(
  buffer: ReportBuffer<A>,
  belongs: (entry: Entry<A>, taken: number) => boolean
): ReadonlyArray<Entry<A>> => {
  if (buffer.inFlight.length > 0) return buffer.inFlight
  const batch: Array<Entry<A>> = []
  for (let next = buffer.slots[buffer.first]; next !== undefined && belongs(next, batch.length);) {
    batch.push(next)
    shift(buffer)
    next = buffer.slots[buffer.first]
  }
  buffer.inFlight = batch
  return batch
}

/** From the first on that may not go with the oldest of the batch in flight, its entries wait again, as the oldest. */
export const takeBack = <A>(buffer: ReportBuffer<A>, mayGoTogether: (oldest: A, one: A) => boolean): void => {
  const [oldest, ...others] = buffer.inFlight
  const index = oldest === undefined ? -1 : others.findIndex(({ value }) => !mayGoTogether(oldest.value, value))
  if (index < 0) return
  const back = buffer.inFlight.slice(index + 1)
  buffer.inFlight = buffer.inFlight.slice(0, index + 1)
  buffer.slots.splice(buffer.first, 0, ...back)
  buffer.waitingBytes += back.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The batch in flight has arrived, or has been given up. */
export const settle = (buffer: ReportBuffer<unknown>): void => {
  buffer.inFlight = []
}
