/**
 * The parts of a table that are compared at once, and what of them differs.
 *
 * Each is fingerprinted on both sides first, so that equal rows cost a scan and never leave the server; only of parts that
 * differ are hashes read, and only of hashes that differ the rows.
 */
import { Effect, Stream } from "effect"
import * as Attributes from "../../../domain/events/comparing/Attributes.ts"
import * as CanonicalText from "../../../domain/events/comparing/CanonicalText.ts"
import type * as ComparisonRules from "../../../domain/events/comparing/ComparisonRules.ts"
import * as WindowDifference from "../../../domain/events/comparing/WindowDifference.ts"
import * as WindowPlan from "../../../domain/events/comparing/WindowPlan.ts"
import type { ComparisonError } from "../../../services/events/TableComparison.ts"
import { both, type Side, type Sides } from "./ComparisonSide.ts"
import * as Statements from "./ComparisonStatements.ts"

const canonical = (plan: ComparisonRules.ComparisonPlan, row: WindowDifference.ComparedRow) => {
  const textOf = (value: string | null, kind: ComparisonRules.ComparedColumn["kind"] | undefined) =>
    value === null || kind === undefined
      ? value
      : kind === "json"
      ? CanonicalText.ofJson(value)
      : kind === "spanList"
      ? CanonicalText.ofList(value)
      : kind === "attributes"
      ? Attributes.canonical(value)
      : value
  const texts = (columns: ReadonlyArray<ComparisonRules.ComparedColumn>, values: ReadonlyArray<string | null>) =>
    values.map((value, at) => textOf(value, columns[at]?.kind))
  return { key: texts(plan.key, row.key), values: texts(plan.values, row.values) }
}

export interface Part {
  readonly equal: number
  readonly leftRows: number
  readonly rightRows: number
  /** None when all is equal. */
  readonly difference: WindowDifference.WindowDifference | undefined
}

export const compare = Effect.fnUntraced(function*(
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  window: WindowPlan.Window,
  part: number
) {
  const place = ({ name, schema }: Side) => [schema, plan, name, window, part] as const
  const [[left], [right]] = yield* both(
    (side) => side.query(Statements.Fingerprints, Statements.fingerprint(...place(side))),
    sides
  )
  const leftRows = left?.rows ?? 0
  const rightRows = right?.rows ?? 0
  const whole: Part = { equal: leftRows, leftRows, rightRows, difference: undefined }
  if (leftRows === rightRows && left?.sum === right?.sum) return whole
  const [leftHashes, rightHashes] = yield* both(
    (side) =>
      Effect.map(
        side.query(Statements.Hashes, Statements.hashes(...place(side))),
        (rows) => rows.map(({ hash }) => hash)
      ),
    sides
  )
  const { equal, hashes } = WindowDifference.suspects(leftHashes, rightHashes)
  const [leftSuspects, rightSuspects] = yield* both(
    (side) =>
      Effect.map(
        side.query(Statements.Rows, Statements.rows(hashes, ...place(side))),
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
export const windowsOf = (
  sides: Sides,
  plan: ComparisonRules.ComparisonPlan,
  range: WindowPlan.Range,
  rowsMax: number,
  [unit, ...finer]: ReadonlyArray<typeof Statements.units[number]> = Statements.units
): Stream.Stream<WindowPlan.Window, ComparisonError> => {
  if (unit === undefined) return Stream.empty
  const counts = (side: Side) =>
    Effect.map(
      side.query(Statements.Counts, Statements.counts(side.schema, plan, side.name, range, unit)),
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
