/**
 * Tells a source what core found out about its devices: whether each can be reached.
 *
 * What core says is read whole first; a part of it writes nothing. Then only values that are not what was written last
 * go out, in batches, and each batch that was taken is remembered before the next one. A run that is cut off, or a batch
 * that fails, leaves the rest for the next run; writing a value twice changes nothing.
 */
import { Effect, Option, type Scope, Stream } from "effect"
import type { SourceError } from "../SourceError.ts"
import { Spool, type SpoolError } from "../Spool.ts"
import * as SyncMetrics from "../SyncMetrics.ts"

/** What core knows of one device of a source. */
export interface DeviceState {
  /** The source's own id. */
  readonly id: string
  readonly isAvailable: boolean
}

export interface StatePage {
  readonly states: ReadonlyArray<DeviceState>
  /** Rows that say nothing of a device's availability, or not whose it is. */
  readonly rejected: number
}

/** The property of one device. Its meaning is "isolated": true for a device that cannot be reached. */
export interface PropertyValue {
  readonly id: string
  readonly value: boolean
}

export interface PropertyWriter {
  /** Of a device in the spool. */
  readonly keyOf: (id: string) => string
  /** One request; answers the ids that the source did not take, with what it said. */
  readonly write: (
    values: ReadonlyArray<PropertyValue>
  ) => Effect.Effect<ReadonlyArray<{ readonly id: string; readonly detail: string }>, SourceError>
}

/** What was written last, remembered across restarts. */
export interface WrittenValues {
  /** Of two values for one device `false` counts: one way to reach it is enough. */
  readonly want: (values: ReadonlyArray<PropertyValue>) => Effect.Effect<void, SpoolError>
  readonly counts: Effect.Effect<{ readonly wanted: number; readonly changed: number }, SpoolError>
  /** The next values that are wanted and, unless `isAll`, not written yet; in the order of ids. */
  readonly pending: (
    after: string,
    limit: number,
    isAll: boolean
  ) => Effect.Effect<ReadonlyArray<PropertyValue>, SpoolError>
  readonly written: (ids: ReadonlyArray<string>) => Effect.Effect<void, SpoolError>
}

export interface WritableSource {
  readonly name: string
  /** The property's key. */
  readonly field: string
  /** Devices in one request. */
  readonly batchSize: number
  readonly states: Stream.Stream<StatePage, SourceError>
  readonly writer: PropertyWriter
  /** For one run: nobody else may write for this source meanwhile. */
  readonly values: Effect.Effect<WrittenValues, SpoolError, Scope.Scope>
}

export interface WriteBackOptions {
  /** Finds out what would be written, and writes nothing. */
  readonly isDryRun: boolean
  /** Also values that were written before, for a source that has lost them. */
  readonly isAll: boolean
}

export interface WriteBackReport {
  readonly source: string
  readonly field: string
  readonly outcome: "written" | "dry_run" | "failed"
  /** Devices of the source of which core knows whether they can be reached. */
  readonly devices: number
  /** Rows of core that are of no use, and devices that are not this source's. */
  readonly rejected: number
  readonly foreign: number
  /** Have the value already. */
  readonly unchanged: number
  readonly written: number
  readonly refused: number
  /** Still to be written. */
  readonly pending: number
  /** What went wrong. */
  readonly detail: string
  /** The first few values that are, or would be, written. */
  readonly examples: ReadonlyArray<PropertyValue>
}

const examplesMax = 10

const nothing = {
  devices: 0,
  rejected: 0,
  foreign: 0,
  unchanged: 0,
  written: 0,
  refused: 0,
  pending: 0,
  detail: "",
  examples: new Array<PropertyValue>()
}

/** All that core says, into `values`; answers what was left out. */
const collect = Effect.fnUntraced(function*({ name, states, writer }: WritableSource, values: WrittenValues) {
  const spool = yield* Spool
  const { current } = yield* spool.state(name)
  const reader = Option.isNone(current) ? undefined : yield* spool.read(current.value.id)
  const left = { rejected: 0, foreign: 0 }
  yield* Stream.runForEach(
    states,
    Effect.fnUntraced(function*(page) {
      left.rejected += page.rejected
      const own = yield* Effect.filter(
        page.states,
        ({ id }) =>
          reader === undefined ? Effect.succeed(false) : Effect.map(reader.get(writer.keyOf(id)), Option.isSome)
      )
      left.foreign += page.states.length - own.length
      yield* values.want(own.map(({ id, isAvailable }) => ({ id, value: !isAvailable })))
    })
  )
  return left
}, Effect.scoped)

/** Batch by batch; what the source refuses is left out and told. */
const writeAll = Effect.fnUntraced(function*(
  { batchSize, name, writer }: WritableSource,
  values: WrittenValues,
  isAll: boolean,
  progress: { written: number; refused: number; detail: string }
) {
  for (let after = "";;) {
    const batch = yield* values.pending(after, batchSize, isAll)
    if (batch.length === 0) return
    const refusals = yield* writer.write(batch)
    const refused = new Set(refusals.map(({ id }) => id))
    const taken = batch.filter(({ id }) => !refused.has(id)).map(({ id }) => id)
    yield* values.written(taken)
    yield* SyncMetrics.writtenBack(name, "written", taken.length)
    yield* SyncMetrics.writtenBack(name, "refused", refusals.length)
    progress.written += taken.length
    progress.refused += refusals.length
    const [first] = refusals
    if (first !== undefined) progress.detail = `device ${first.id}: ${first.detail}`
    after = batch.at(-1)?.id ?? after
  }
})

export const run = Effect.fn("WriteBack.run")(function*(
  source: WritableSource,
  { isAll, isDryRun }: WriteBackOptions
): Effect.fn.Return<WriteBackReport, SpoolError, Spool> {
  const { field, name } = source
  return yield* Effect.scoped(Effect.gen(function*(): Effect.fn.Return<
    WriteBackReport,
    SpoolError,
    Spool | Scope.Scope
  > {
    const values = yield* source.values
    const collected = yield* Effect.result(collect(source, values))
    if (collected._tag === "Failure") {
      if (collected.failure._tag === "SpoolError") return yield* collected.failure
      return { ...nothing, source: name, field, outcome: "failed", detail: collected.failure.message }
    }
    const { changed, wanted } = yield* values.counts
    const due = isAll ? wanted : changed
    const before = {
      ...nothing,
      ...collected.success,
      source: name,
      field,
      devices: wanted,
      unchanged: wanted - changed,
      examples: yield* values.pending("", examplesMax, isAll)
    }
    if (isDryRun) return { ...before, outcome: "dry_run", pending: due }
    const progress = { written: 0, refused: 0, detail: "" }
    const end = yield* Effect.result(writeAll(source, values, isAll, progress))
    if (end._tag === "Failure" && end.failure._tag === "SpoolError") return yield* end.failure
    return {
      ...before,
      ...progress,
      ...(end._tag === "Failure" ? { detail: end.failure.message } : {}),
      outcome: end._tag === "Failure" || progress.refused > 0 ? "failed" : "written",
      pending: due - progress.written - progress.refused
    }
  }))
})
