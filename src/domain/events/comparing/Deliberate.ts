/**
 * Which differences of two rows are this writer's on purpose, against those of the Go writer.
 *
 * A row is told apart by all of its columns: only when every difference has a reason are the two the same.
 */
import { Result } from "effect"
import * as Json from "../decode/Json.ts"
import * as Timestamp from "../decode/Timestamp.ts"
import * as Attributes from "./Attributes.ts"
import * as CanonicalText from "./CanonicalText.ts"
import type { ComparedColumn, ComparisonPlan } from "./ComparisonRules.ts"
import { reasons } from "./Reasons.ts"
import type { ComparedRow } from "./WindowDifference.ts"

type Text = string | null

/** Reasons, none of them when the two mean the same; undefined when they differ without one. */
type Verdict = ReadonlyArray<string> | undefined

export const valueOf = (plan: ComparisonPlan, row: ComparedRow, name: string): Text => {
  const inKey = plan.key.findIndex((column) => column.name === name)
  if (inKey >= 0) return row.key[inKey] ?? null
  const at = plan.values.findIndex((column) => column.name === name)
  return at < 0 ? null : row.values[at] ?? null
}

const ofAttributes = (left: Text, right: Text): Verdict => {
  const none = { isFlat: true, pairs: [] }
  const one = left === null ? none : Attributes.read(left)
  const other = right === null ? none : Attributes.read(right)
  return one === undefined || other === undefined ? undefined : Attributes.difference(one, other)
}

const listOf = (text: Text): ReadonlyArray<unknown> | undefined => {
  const value = text === null ? [] : Result.getOrUndefined(Json.parseWhole(text))
  return Array.isArray(value) ? value : undefined
}

/** Events and links of spans: the same but for the form of their attributes. */
const ofSpanLists = (left: Text, right: Text): Verdict => {
  const [one, other] = [listOf(left), listOf(right)]
  if (one === undefined || other === undefined || one.length !== other.length) return undefined
  const found = one.map((item, at): Verdict => {
    const { attributes: mine, ...rest } = Json.isObject(item) ? item : { item }
    const { attributes: theirs, ...others } = Json.objectOf(other[at]) ?? { item: other[at] }
    const texts = (object: Json.JsonObject) =>
      CanonicalText.ofValue(
        Object.fromEntries(Object.entries(object).map(([key, value]) => [key, Json.textValue(value)]))
      )
    if (texts(rest) !== texts(others)) return undefined
    const [here, there] = [mine ?? [], theirs ?? []].map(Attributes.ofValue)
    return here === undefined || there === undefined ? undefined : Attributes.difference(here, there)
  })
  return found.includes(undefined) ? undefined : found.flatMap((some) => some ?? [])
}

/** The message that an event was made of, and what is in its envelope. */
const documentOf = (plan: ComparisonPlan, row: ComparedRow): Json.JsonObject | undefined =>
  Json.objectOf(valueOf(plan, row, "raw_data"))

const hasOwnTime = (document: Json.JsonObject): boolean => {
  const payload = Json.objectOf(document["data"]) ?? document
  return document["time"] !== undefined || payload["timestamp"] !== undefined
}

const ofTimes = (left: Text, right: Text, document: Json.JsonObject | undefined): Verdict => {
  if (document === undefined || left === null || right === null) return undefined
  if (!hasOwnTime(document)) return [reasons.noTime]
  const [one, other] = [left, right].map((text) => Timestamp.micros(text))
  return one !== undefined && other !== undefined && other - one === 1 ? [reasons.gelf] : undefined
}

const isNoText = (text: string): boolean =>
  Result.match(Json.parseWhole(text), { onFailure: () => false, onSuccess: (value) => typeof value !== "string" })

/** Nothing in the Go writer's table where the other has found a value. */
const ofEmpty = (plan: ComparisonPlan, { name }: ComparedColumn): Verdict =>
  plan.tables.left !== "events"
    ? undefined
    : name === "id"
    ? [reasons.ids]
    : plan.tables.right === "ocsf_events" && ["short_message", "source", "severity"].includes(name)
    ? [reasons.filled]
    : [reasons.fields]

const ofColumn = (
  plan: ComparisonPlan,
  column: ComparedColumn,
  [leftRow, rightRow]: readonly [ComparedRow, ComparedRow]
): Verdict => {
  const [left, right] = [valueOf(plan, leftRow, column.name), valueOf(plan, rightRow, column.name)]
  if (left === right) return []
  if (column.kind === "attributes") return ofAttributes(left, right)
  if (column.kind === "spanList") return ofSpanLists(left, right)
  if (column.kind === "second") return []
  if (column.kind === "json" && left !== null && right !== null) {
    return CanonicalText.withoutSecrets(left) === CanonicalText.ofJson(right) ? [reasons.secrets] : undefined
  }
  if (column.name === plan.times.left) return ofTimes(left, right, documentOf(plan, leftRow))
  if (left === null && right !== null) {
    return plan.tables.left === "logs" && column.name === "body" && isNoText(right)
      ? [reasons.bodies]
      : ofEmpty(plan, column)
  }
  return undefined
}

export interface Classified {
  /** Columns that differ without a reason. */
  readonly columns: ReadonlyArray<string>
  readonly reasons: ReadonlyArray<string>
}

export const classify = (plan: ComparisonPlan, left: ComparedRow, right: ComparedRow): Classified => {
  const found = [...plan.key, ...plan.values].map((column) => ({
    name: column.name,
    verdict: ofColumn(plan, column, [left, right])
  }))
  return {
    columns: found.filter(({ verdict }) => verdict === undefined).map(({ name }) => name),
    reasons: Array.from(new Set(found.flatMap(({ verdict }) => verdict ?? [])))
  }
}

/** Why a row of the left has none on the right, if that is on purpose. */
export const missing = (plan: ComparisonPlan, row: ComparedRow): string | undefined =>
  plan.tables.left === "events" && documentOf(plan, row) === undefined &&
    !(plan.tables.right === "events" && valueOf(plan, row, "id") !== null)
    ? reasons.unreadable
    : undefined

/** By what a row may be found again whose key differs on purpose; none when its key says all. */
export const identity = (plan: ComparisonPlan, row: ComparedRow): string | undefined => {
  const { left } = plan.tables
  if (left === "events") {
    const document = valueOf(plan, row, "raw_data")
    return document === null
      ? undefined
      : JSON.stringify([valueOf(plan, row, "subject"), CanonicalText.withoutSecrets(document)])
  }
  const body = valueOf(plan, row, "body")
  if (left !== "logs" || (body !== null && !isNoText(body))) return undefined
  return JSON.stringify(plan.key.filter(({ name }) => name !== "body").map(({ name }) => valueOf(plan, row, name)))
}
