/** Compares two schemas in PostgreSQL, of one database or of two, window by window. Sessions cannot write. */
import { Effect, Layer, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as ComparisonRules from "../../../domain/events/comparing/ComparisonRules.ts"
import { DifferenceTally } from "../../../domain/events/comparing/DifferenceTally.ts"
import type * as WindowPlan from "../../../domain/events/comparing/WindowPlan.ts"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { FoundTable } from "../../../domain/events/storing/AdoptionPlan.ts"
import {
  type ComparedRange,
  ComparisonError,
  TableComparison,
  type TableDifference
} from "../../../services/events/TableComparison.ts"
import * as Parts from "./ComparedParts.ts"
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

const seconds = (millis: number | undefined): number | undefined => millis === undefined ? undefined : millis / 1000

interface Limits {
  readonly rowsMax: number
  readonly examplesMax: number
}

const rangeOf = (given: ComparedRange): WindowPlan.Range => ({
  sinceSeconds: seconds(given.sinceMillis),
  untilSeconds: seconds(given.untilMillis)
})

const compareTable = Effect.fnUntraced(function*(
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  given: ComparedRange,
  limits: Limits,
  onProgress: (rows: number) => Effect.Effect<void>
) {
  const tally = new DifferenceTally(plan, limits.examplesMax)
  const counted = { leftRows: 0, rightRows: 0 }
  yield* Stream.runForEach(
    Parts.windowsOf(sides, plan, rangeOf(given), limits.rowsMax),
    (window) =>
      Effect.forEach(
        Array.from({ length: window.parts }, (_, part) => part),
        (part) =>
          Effect.flatMap(Parts.compare(sides, plan, window, part), ({ difference, equal, leftRows, rightRows }) => {
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
  tally.finish()
  const { deliberate, differing, differingColumns, equal, examples, extra, missing, reasons } = tally
  return {
    table: plan.tables.left,
    rightTable: plan.tables.right,
    ...counted,
    equal,
    deliberate,
    differing,
    missing,
    extra,
    reasons,
    differingColumns,
    examples,
    key: plan.key.map(({ name }) => name),
    leftOut: plan.leftOut
  } satisfies TableDifference
})

/** All rows of a table that only one side has are alone. */
const countTable = Effect.fnUntraced(function*(
  side: Side,
  plan: ComparisonRules.ComparisonPlan,
  given: ComparedRange,
  { examplesMax }: Limits
) {
  const range = rangeOf(given)
  const counts = yield* side.query(Statements.Counts, Statements.counts(side.schema, plan, side.name, range, "minute"))
  const rows = counts.reduce((sum, found) => sum + found.rows, 0)
  const kind = side.name === "left" ? "missing" : "extra"
  const samples = yield* side.query(
    Statements.Rows,
    Statements.sample(side.schema, plan, side.name, range, examplesMax)
  )
  return {
    table: plan.tables.left,
    rightTable: plan.tables.right,
    leftRows: kind === "missing" ? rows : 0,
    rightRows: kind === "extra" ? rows : 0,
    equal: 0,
    deliberate: 0,
    differing: 0,
    missing: kind === "missing" ? rows : 0,
    extra: kind === "extra" ? rows : 0,
    reasons: [],
    differingColumns: [],
    examples: samples.map((row) => ({
      kind,
      key: Object.fromEntries(plan.key.map(({ name }, at) => [name, row.key[at] ?? null])),
      columns: []
    })),
    key: plan.key.map(({ name }) => name),
    leftOut: []
  } satisfies TableDifference
})

type Catalog = ReadonlyMap<string, FoundTable>

const isName = (name: string): name is TableName => Object.hasOwn(tables, name)

const namesIn = (found: Catalog): ReadonlySet<TableName> => new Set(Array.from(found.keys()).filter(isName))

export const layer = (options: PgTableComparisonOptions): Layer.Layer<TableComparison, ComparisonError> =>
  Layer.effect(
    TableComparison,
    Effect.gen(function*() {
      const { examplesMax = 3, left, right, rowsMax = 5_000 } = options
      const sides = [yield* open("left", left), yield* open("right", right)] as const
      const limits = { rowsMax, examplesMax }
      const catalogs = both((side): Effect.Effect<Catalog, ComparisonError> => side.catalog, sides)
      return TableComparison.of({
        tables: Effect.map(catalogs, ([left, right]) => ({ left: namesIn(left), right: namesIn(right) })),
        compare: Effect.fn("TableComparison.compare")(function*(table, range, onProgress) {
          const [left, right] = yield* catalogs
          const goSide = table === "events" || table === "ocsf_events"
            ? ComparisonRules.goSideOf(left, right)
            : undefined
          if (goSide !== undefined) {
            const forms = [left, right].map((found) => found.get("events") ?? found.get("ocsf_events"))
            const [one, other] = forms
            if (one !== undefined && other !== undefined) {
              return yield* compareTable(
                sides,
                ComparisonRules.eventForms(one, other, goSide),
                range,
                limits,
                onProgress
              )
            }
          }
          const [one, other] = [left.get(table), right.get(table)]
          if (one !== undefined && other !== undefined) {
            return yield* compareTable(sides, ComparisonRules.make(table, one, other), range, limits, onProgress)
          }
          const only = one ?? other
          if (only === undefined) {
            return yield* new ComparisonError({ side: "left", detail: `there is no table ${table} on either side` })
          }
          const side = sides[one === undefined ? 1 : 0]
          return yield* countTable(side, ComparisonRules.make(table, only, only), range, limits)
        })
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))
