/**
 * Compares two schemas in PostgreSQL, of one database or of two.
 *
 * Each window is fingerprinted on both sides first, so that equal rows cost a scan and never leave the server; only of
 * windows that differ are hashes read, and only of hashes that differ the rows. Sessions cannot write.
 */
import { Effect, Layer, Schema, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as CanonicalText from "../../../domain/events/comparing/CanonicalText.ts"
import * as ComparisonRules from "../../../domain/events/comparing/ComparisonRules.ts"
import { DifferenceTally } from "../../../domain/events/comparing/DifferenceTally.ts"
import * as WindowDifference from "../../../domain/events/comparing/WindowDifference.ts"
import * as WindowPlan from "../../../domain/events/comparing/WindowPlan.ts"
import type { TableName } from "../../../domain/events/rows/Tables.ts"
import { writtenNames } from "../../../domain/events/storing/TablePolicy.ts"
import {
  type ComparedRange,
  ComparisonError,
  TableComparison,
  type TableDifference
} from "../../../services/events/TableComparison.ts"
import { both, type ComparedSide, open, type Side, type Sides } from "./ComparisonSide.ts"
import * as Statements from "./ComparisonStatements.ts"

export interface PgTableComparisonOptions {
  readonly left: ComparedSide
  readonly right: ComparedSide
  /** Rows of a side that are held in memory. Default 5,000. */
  readonly rowsMax?: number
  /** Of each kind. Default 3. */
  readonly examplesMax?: number
}

/** As text, because PostgreSQL has times that are infinite. */
const Counts = Schema.Array(Schema.Struct({ epochSeconds: Schema.String, rows: Schema.Int }))
const Fingerprints = Schema.Array(Schema.Struct({ rows: Schema.Int, sum: Schema.String }))
const Hashes = Schema.Array(Schema.Struct({ hash: Schema.String }))
const Texts = Schema.Array(Schema.NullOr(Schema.String))
const Rows = Schema.Array(Schema.Struct({ key: Texts, values: Texts }))

const canonical = (plan: ComparisonRules.ComparisonPlan, row: WindowDifference.ComparedRow) => {
  const textOf = (value: string | null, kind: ComparisonRules.ComparedColumn["kind"] | undefined) =>
    value === null || kind === undefined
      ? value
      : kind === "json"
      ? CanonicalText.ofJson(value)
      : kind === "attributes"
      ? CanonicalText.ofAttributes(value)
      : value
  const texts = (columns: ReadonlyArray<ComparisonRules.ComparedColumn>, values: ReadonlyArray<string | null>) =>
    values.map((value, at) => textOf(value, columns[at]?.kind))
  return { key: texts(plan.key, row.key), values: texts(plan.values, row.values) }
}

const seconds = (millis: number | undefined): number | undefined => millis === undefined ? undefined : millis / 1000

interface Part {
  readonly equal: number
  readonly leftRows: number
  readonly rightRows: number
  /** None when all is equal. */
  readonly difference: WindowDifference.WindowDifference | undefined
}

const comparePart = Effect.fnUntraced(function*(
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  window: WindowPlan.Window,
  part: number
) {
  const place = ({ name, schema }: Side) => [schema, plan, name, window, part] as const
  const [[left], [right]] = yield* both(
    (side) => side.query(Fingerprints, Statements.fingerprint(...place(side))),
    sides
  )
  const leftRows = left?.rows ?? 0
  const rightRows = right?.rows ?? 0
  const whole: Part = { equal: leftRows, leftRows, rightRows, difference: undefined }
  if (leftRows === rightRows && left?.sum === right?.sum) return whole
  const [leftHashes, rightHashes] = yield* both(
    (side) => Effect.map(side.query(Hashes, Statements.hashes(...place(side))), (rows) => rows.map(({ hash }) => hash)),
    sides
  )
  const { equal, hashes } = WindowDifference.suspects(leftHashes, rightHashes)
  const [leftSuspects, rightSuspects] = yield* both(
    (side) =>
      Effect.map(
        side.query(Rows, Statements.rows(hashes, ...place(side))),
        (rows) => rows.map((row) => canonical(plan, row))
      ),
    sides
  )
  // Rows may have come since the fingerprint.
  return {
    equal,
    leftRows: equal + leftSuspects.length,
    rightRows: equal + rightSuspects.length,
    difference: WindowDifference.make(leftSuspects, rightSuspects)
  } satisfies Part
})

/** Windows small enough, or of a unit of time that is as short as it gets; found while one goes along. */
const windowsOf = (
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  range: WindowPlan.Range,
  rowsMax: number,
  [unit, ...finer]: ReadonlyArray<typeof Statements.units[number]> = Statements.units
): Stream.Stream<WindowPlan.Window, ComparisonError> => {
  if (unit === undefined) return Stream.empty
  const counts = (side: Side) =>
    Effect.map(
      side.query(Counts, Statements.counts(side.schema, plan, range, unit)),
      (found) => found.map(({ epochSeconds, rows }) => ({ epochSeconds: Number(epochSeconds), rows }))
    )
  return Stream.fromIterableEffect(Effect.map(
    both(counts, sides),
    ([left, right]) => WindowPlan.make(WindowPlan.merge(left, right), rowsMax, range)
  )).pipe(
    Stream.flatMap((window) =>
      window.parts === 1 || finer.length === 0
        ? Stream.succeed(window)
        : windowsOf(sides, plan, { ...window, sinceSeconds: window.fromSeconds }, rowsMax, finer)
    )
  )
}

const compareTable = Effect.fnUntraced(function*(
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  given: ComparedRange,
  limits: { readonly rowsMax: number; readonly examplesMax: number },
  onProgress: (rows: number) => Effect.Effect<void>
) {
  const range = { sinceSeconds: seconds(given.sinceMillis), untilSeconds: seconds(given.untilMillis) }
  const tally = new DifferenceTally(plan, limits.examplesMax)
  const counted = { leftRows: 0, rightRows: 0 }
  yield* Stream.runForEach(
    windowsOf(sides, plan, range, limits.rowsMax),
    (window) =>
      Effect.forEach(
        Array.from({ length: window.parts }, (_, part) => part),
        (part) =>
          Effect.flatMap(comparePart(sides, plan, window, part), ({ difference, equal, leftRows, rightRows }) => {
            tally.equal += equal
            if (difference !== undefined) {
              tally.add(difference)
            }
            counted.leftRows += leftRows
            counted.rightRows += rightRows
            return onProgress(counted.leftRows)
          }),
        { discard: true }
      )
  )
  const { differing, differingColumns, equal, examples, extra, missing } = tally
  return {
    table: plan.table,
    ...counted,
    equal,
    differing,
    missing,
    extra,
    differingColumns,
    examples,
    key: plan.key.map(({ name }) => name),
    leftOut: plan.leftOut
  } satisfies TableDifference
})

const isName = (name: TableName, tables: ReadonlyMap<string, unknown>): boolean => tables.has(name)

export const layer = (options: PgTableComparisonOptions): Layer.Layer<TableComparison, ComparisonError> =>
  Layer.effect(
    TableComparison,
    Effect.gen(function*() {
      const { examplesMax = 3, left, right, rowsMax = 5_000 } = options
      const sides = [yield* open("left", left), yield* open("right", right)] as const
      const tablesOf = (side: Side) =>
        Effect.map(side.catalog, (found) => new Set(writtenNames.filter((name) => isName(name, found))))
      return TableComparison.of({
        tables: Effect.map(both(tablesOf, sides), ([left, right]) => ({ left, right })),
        compare: Effect.fn("TableComparison.compare")(function*(table, range, onProgress) {
          const [left, right] = yield* both(
            (side) =>
              Effect.flatMap(side.catalog, (found) => {
                const existing = found.get(table)
                return existing === undefined
                  ? new ComparisonError({ side: side.name, detail: `there is no table ${side.schema}.${table}` })
                  : Effect.succeed(existing)
              }),
            sides
          )
          const plan = ComparisonRules.make(table, left, right)
          return yield* compareTable(sides, plan, range, { rowsMax, examplesMax }, onProgress)
        })
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))
