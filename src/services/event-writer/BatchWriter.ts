/**
 * Writes a batch of decoded messages and says of each what became of it: stored, poison or to be tried again.
 *
 * It never fails. A message whose rows the store refuses is found by splitting the batch, so that all others are stored;
 * a message is poison only when the store refused it alone. All rows of a message are in one statement. After an outage
 * nothing more is tried: the rest of the batch is for later.
 */
import { Effect, Ref, Result } from "effect"
import * as BatchPlan from "../../domain/events/storing/BatchPlan.ts"
import * as BatchSize from "../../domain/events/storing/BatchSize.ts"
import * as Bisection from "../../domain/events/storing/Bisection.ts"
import type { EventRow } from "../../domain/events/storing/Suspects.ts"
import { EventStore, type EventStoreError, type Written } from "../events/EventStore.ts"

export interface Undelivered<out M> {
  readonly message: M
  readonly error: EventStoreError
}

export interface WrittenBatch<out M> extends Written {
  readonly stored: ReadonlyArray<M>
  readonly poison: ReadonlyArray<Undelivered<M>>
  readonly retry: ReadonlyArray<Undelivered<M>>
  readonly statements: number
}

export interface BatchWriterOptions {
  /** Rows in a statement. Default 1,000: more make it no faster, but longer. */
  readonly rowsMax?: number
  /** Where shrinking after time-outs ends. Default 10. */
  readonly rowsMin?: number
  /** Bytes of rows in a statement, about. Default 8 MiB; a message that is larger is alone in its own. */
  readonly bytesMax?: number
  /** Statements spent on one part of a batch to find what is refused in it. Default 64. */
  readonly statementsMax?: number
  /** Time-outs in one batch after which the rest is for later. Default 3. */
  readonly timeoutsMax?: number
}

export interface BatchWriter {
  readonly write: <M>(entries: ReadonlyArray<BatchPlan.StoreEntry<M>>) => Effect.Effect<WrittenBatch<M>>
  /** Rows that a statement may carry now. */
  readonly rowsPerStatement: Effect.Effect<number>
}

type Entries<M> = ReadonlyArray<BatchPlan.StoreEntry<M>>

/** What is known so far about one batch. */
class Tally<M> {
  readonly stored: Array<M> = []
  readonly poison: Array<Undelivered<M>> = []
  readonly retry: Array<Undelivered<M>> = []
  inserted = 0
  repeated = 0
  statements = 0
  timeouts = 0

  add(written: Written) {
    this.inserted += written.inserted
    this.repeated += written.repeated
  }

  postpone(entries: Entries<M>, error: EventStoreError) {
    for (const { message } of entries) this.retry.push({ message, error })
  }
}

/** Which of the members own the rows at these positions of their statement. */
const ownersOf = <M>(entries: Entries<M>, members: ReadonlyArray<number>, rows: ReadonlyArray<number>) => {
  const wanted = new Set(rows)
  let row = 0
  return members.filter((member) => {
    const end = row + (entries[member]?.content.rows.length ?? 0)
    let isOwner = false
    for (; row < end; row++) isOwner ||= wanted.has(row)
    return isOwner
  })
}

const pick = <A>(items: ReadonlyArray<A>, positions: ReadonlyArray<number>): ReadonlyArray<A> => {
  const chosen = new Set(positions)
  return items.filter((_, at) => chosen.has(at))
}

export const make = Effect.fn("BatchWriter.make")(function*(options: BatchWriterOptions = {}) {
  const store = yield* EventStore
  const { bytesMax = 8 * 2 ** 20, rowsMax = 1_000, rowsMin = 10, statementsMax = 64, timeoutsMax = 3 } = options
  const size = yield* Ref.make(BatchSize.make({ rowsMin, rowsMax }))

  /** Answers with the positions of entries that the store has set aside. */
  const attempt = Effect.fnUntraced(function*<M>({ entries, table }: BatchPlan.Group<M>, tally: Tally<M>) {
    const rows = entries.flatMap((entry): ReadonlyArray<EventRow> => entry.content.rows)
    tally.statements += 1
    const written = yield* entries.length === 1
      ? store.write(table, rows)
      : store.write(table, rows, entries.flatMap(({ content }, at) => content.rows.map(() => at)))
    tally.add(written)
    yield* Ref.update(size, (now) => BatchSize.succeeded(now, rows.length))
    return written.setAside ?? []
  })

  /** Writes one part; answers with what is left to try, if anything, and why. */
  const writePart = Effect.fnUntraced(function*<M>({ entries, table }: BatchPlan.Group<M>, tally: Tally<M>) {
    let search = Bisection.make(entries.length, statementsMax)
    let failure: EventStoreError | undefined
    let members = Bisection.next(search)
    while (members !== undefined) {
      const part = pick(entries, members)
      const attempted = yield* Effect.result(attempt({ table, entries: part }, tally))
      if (Result.isSuccess(attempted)) {
        const aside = new Set(attempted.success)
        const owners = members.filter((_, at) => aside.has(at))
        search = owners.length === 0 ? Bisection.accepted(search) : Bisection.setAside(search, owners)
        part.forEach(({ message }, at) => {
          if (!aside.has(at)) tally.stored.push(message)
        })
      } else {
        const error = attempted.failure
        failure = error
        if (error.reason._tag !== "RowRejected") break
        const [alone] = part
        const kept = error.reason.isForLater === true ? tally.retry : tally.poison
        if (part.length === 1 && alone !== undefined) kept.push({ message: alone.message, error })
        // A message asked for alone made nothing vain.
        if (part.length > 1) yield* Ref.update(size, BatchSize.rejected)
        search = Bisection.rejected(search, ownersOf(entries, members, error.reason.suspects))
      }
      members = Bisection.next(search)
    }
    const left = pick(entries, Bisection.undecided(search))
    return failure === undefined || left.length === 0 ? undefined : { left, failure }
  })

  const writeGroup = Effect.fnUntraced(function*<M>({ entries, table }: BatchPlan.Group<M>, tally: Tally<M>) {
    let pending = entries
    while (pending.length > 0) {
      const { rows } = yield* Ref.get(size)
      const count = BatchPlan.take(pending, 0, { rows, bytes: bytesMax })
      const unfinished = yield* writePart({ table, entries: pending.slice(0, count) }, tally)
      pending = pending.slice(count)
      if (unfinished === undefined) continue
      const { failure, left } = unfinished
      if (failure.reason._tag === "TableUnusable") {
        // Other tables are none the worse for it.
        tally.postpone([...left, ...pending], failure)
        return undefined
      }
      if (failure.reason._tag === "RowRejected") {
        tally.postpone(left, failure)
      } else if (failure.reason._tag === "StoreTimeout") {
        tally.timeouts += 1
        yield* Ref.update(size, BatchSize.timedOut)
        // A part that cannot become smaller would only time out again.
        const isHopeless = left.length === 1 || rows === rowsMin || tally.timeouts >= timeoutsMax
        if (isHopeless) tally.postpone(left, failure)
        else pending = [...left, ...pending]
      }
      if (failure.reason._tag === "StoreUnavailable" || tally.timeouts >= timeoutsMax) {
        if (failure.reason._tag === "StoreUnavailable") tally.postpone(left, failure)
        tally.postpone(pending, failure)
        return failure
      }
    }
    return undefined
  })

  const write = Effect.fn("BatchWriter.write")(function*<M>(entries: Entries<M>) {
    const tally = new Tally<M>()
    for (const { content, message } of entries) if (content.rows.length === 0) tally.stored.push(message)
    let stopped: EventStoreError | undefined
    for (const group of BatchPlan.groups(entries)) {
      if (stopped === undefined) stopped = yield* writeGroup(group, tally)
      else tally.postpone(group.entries, stopped)
    }
    const { inserted, poison, repeated, retry, statements, stored } = tally
    return { stored, poison, retry, inserted, repeated, statements } satisfies WrittenBatch<M>
  })

  return { write, rowsPerStatement: Effect.map(Ref.get(size), (now) => now.rows) } satisfies BatchWriter
})
