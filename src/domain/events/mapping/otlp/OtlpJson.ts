/**
 * Records from OTLP in its JSON encoding, each given to `row` with its resource and scope.
 *
 * A record that cannot be read costs itself, a resource or scope its records: each is refused as a request of its own.
 */
import { Result } from "effect"
import { fail, type Problem } from "../../decode/DecodeError.ts"
import type { Collector } from "../../decode/Elements.ts"
import { isObject, type JsonObject } from "../../decode/Json.ts"
import { field, has, ProtoJson } from "../../decode/ProtoJson.ts"
import type { LogRecord, Point, Resource, Scope, Span } from "./Otlp.ts"
import { any, attributes, resource as readResource, scope as readScope } from "./OtlpJsonValue.ts"
import * as OtlpNames from "./OtlpNames.ts"

type Path = Problem["path"]

/** The names of the three levels of a request. */
interface Levels {
  readonly groups: string
  readonly scopes: string
  readonly records: string
}

const levels = {
  logs: { groups: "resourceLogs", scopes: "scopeLogs", records: "logRecords" },
  spans: { groups: "resourceSpans", scopes: "scopeSpans", records: "spans" },
  metrics: { groups: "resourceMetrics", scopes: "scopeMetrics", records: "metrics" }
} as const satisfies Record<string, Levels>

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

const at = (path: Path, problem: Problem): Problem => ({ path: [...path, ...problem.path], reason: problem.reason })

/** What a part of the request is read by; refuses the part when something in it cannot be read. */
const part = <A>(read: (reader: ProtoJson) => A): Result.Result<A, Problem> => {
  const reader = new ProtoJson()
  const value = read(reader)
  return reader.problem === undefined ? Result.succeed(value) : Result.fail(reader.problem)
}

/** What a group or scope may have beside its list. */
const beside: ReadonlySet<string> = new Set(["resource", "scope", "schemaUrl", "schema_url"])

/**
 * A member that stands where the list should be: of an OTLP before 0.16, whose lists had other names, or of something else.
 * Receivers ignore members that they do not know, but not when nothing else is there.
 */
const insteadOf = (holder: JsonObject, list: string): string | undefined =>
  has(holder, list) ? undefined : Object.keys(holder).find((key) => !beside.has(key) && holder[key] !== null)

/** What is read from a holder's list: its items, or the problem of the list. */
const itemsOf = (holder: JsonObject, list: string): Result.Result<ReadonlyArray<unknown>, Problem> => {
  const other = insteadOf(holder, list)
  return other === undefined
    ? part((reader) => reader.items(holder, list))
    : fail([other], `expected ${list}, as OTLP has it since version 0.16`)
}

/** Refuses a record, or the part of it that is given. */
type Refuse = (problem: Problem, part?: unknown) => void

/** Walks through all records of a request. */
const walk = <Row extends object>(
  request: JsonObject,
  { groups, records, scopes }: Levels,
  out: Collector<Row>,
  each: (record: JsonObject, resource: Resource, scope: Scope, refuse: Refuse) => void
): void => {
  const inScope = (group: JsonObject, resource: Resource, inner: unknown, path: Path): void => {
    const wrap = (scopeGroup: unknown) =>
      encode({ [groups]: [{ resource: field(group, "resource"), [scopes]: [scopeGroup] }] })
    const refuse = (problem: Problem) => out.refuse(at(path, problem), () => wrap(inner))
    if (!isObject(inner)) return refuse({ path: [], reason: "expected an object" })
    const scope = part((reader) => readScope(inner, reader))
    if (Result.isFailure(scope)) return refuse(scope.failure)
    const items = itemsOf(inner, records)
    if (Result.isFailure(items)) return refuse(items.failure)
    for (let index = 0; index < items.success.length && !out.isOver; index++) {
      const record = items.success[index]
      const refuseRecord: Refuse = (problem, part = record) =>
        out.refuse(
          at([...path, records, index], problem),
          () => wrap({ scope: field(inner, "scope"), [records]: [part] })
        )
      if (isObject(record)) each(record, resource, scope.success, refuseRecord)
      else refuseRecord({ path: [], reason: "expected an object" })
    }
  }

  const inGroup = (group: unknown, path: Path): void => {
    const refuse = (problem: Problem) => out.refuse(at(path, problem), () => encode({ [groups]: [group] }))
    if (!isObject(group)) return refuse({ path: [], reason: "expected an object" })
    const resource = part((reader) => readResource(group, reader))
    if (Result.isFailure(resource)) return refuse(resource.failure)
    const items = itemsOf(group, scopes)
    if (Result.isFailure(items)) return refuse(items.failure)
    for (let index = 0; index < items.success.length && !out.isOver; index++) {
      inScope(group, resource.success, items.success[index], [...path, scopes, index])
    }
  }

  const items = part((reader) => reader.items(request, groups))
  if (Result.isFailure(items)) return out.refuse(items.failure, () => encode(request))
  for (let index = 0; index < items.success.length && !out.isOver; index++) {
    inGroup(items.success[index], [groups, index])
  }
}

const isRequest = (value: JsonObject, { groups }: Levels, isEmptyOne: boolean): boolean =>
  has(value, groups) || (isEmptyOne && Object.keys(value).length === 0)

const logRecord = (record: JsonObject, reader: ProtoJson): LogRecord => {
  const body = field(record, "body")
  reader.enter("body")
  const plainBody = any(body, reader)
  reader.leave(1)
  return {
    time: reader.uint64(record, "timeUnixNano") ?? 0n,
    observedTime: reader.uint64(record, "observedTimeUnixNano") ?? 0n,
    severityNumber: reader.enumeration(record, "severityNumber", OtlpNames.severityNumbers),
    severityText: reader.text(record, "severityText"),
    body: plainBody,
    attributes: attributes(record, "attributes", reader),
    flags: reader.uint32(record, "flags"),
    traceId: reader.id(record, "traceId", 16),
    spanId: reader.id(record, "spanId", 8),
    eventName: reader.text(record, "eventName")
  }
}

const spanOf = (one: JsonObject, reader: ProtoJson): Span => {
  const status = reader.message(one, "status")
  return {
    traceId: reader.id(one, "traceId", 16),
    spanId: reader.id(one, "spanId", 8),
    parentSpanId: reader.id(one, "parentSpanId", 8),
    name: reader.text(one, "name"),
    kind: reader.enumeration(one, "kind", OtlpNames.spanKinds),
    start: reader.uint64(one, "startTimeUnixNano") ?? 0n,
    end: reader.uint64(one, "endTimeUnixNano") ?? 0n,
    attributes: attributes(one, "attributes", reader),
    events: reader.messages(one, "events", (event) => ({
      time: reader.uint64(event, "timeUnixNano") ?? 0n,
      name: reader.text(event, "name"),
      attributes: attributes(event, "attributes", reader)
    })),
    links: reader.messages(one, "links", (link) => ({
      traceId: reader.id(link, "traceId", 16),
      spanId: reader.id(link, "spanId", 8),
      attributes: attributes(link, "attributes", reader)
    })),
    statusCode: reader.enumeration(status, "code", OtlpNames.statusCodes),
    statusMessage: reader.text(status, "message")
  }
}

type Kind = Point["kind"]

const kinds: ReadonlyArray<readonly [member: string, kind: Kind]> = [
  ["gauge", "gauge"],
  ["sum", "sum"],
  ["histogram", "histogram"],
  ["exponentialHistogram", "exponential_histogram"],
  ["summary", "summary"]
]

/** What a metric may have beside its data. */
const besideData: ReadonlySet<string> = new Set(["name", "description", "unit", "metadata"])

const dataOf = (metric: JsonObject): string | undefined =>
  Object.keys(metric).find((key) => !besideData.has(key) && isObject(metric[key]))

const noRecordedValue = 1

const valueOf = (point: JsonObject, kind: Kind, reader: ProtoJson): number | null => {
  if ((reader.uint32(point, "flags") & noRecordedValue) !== 0) return null
  if (kind === "gauge" || kind === "sum") {
    const double = reader.double(point, "asDouble")
    const integer = double === undefined ? reader.int64(point, "asInt") : undefined
    return double ?? (integer === undefined ? null : Number(integer))
  }
  // Only a summary's sum is 0 when it is not sent.
  return reader.double(point, "sum") ?? (kind === "summary" ? 0 : null)
}

const pointOf = (point: JsonObject, kind: Kind, name: string, unit: string, reader: ProtoJson): Point => ({
  name,
  unit,
  kind,
  time: reader.uint64(point, "timeUnixNano") ?? 0n,
  value: valueOf(point, kind, reader),
  attributes: attributes(point, "attributes", reader)
})

/**
 * The records of a request; false when the value is none. An object without a member counts as an empty one where
 * `isEmptyOne`.
 */
export const logs = <Row extends object>(
  value: JsonObject,
  isEmptyOne: boolean,
  out: Collector<Row>,
  row: (record: LogRecord, resource: Resource, scope: Scope) => Row
): boolean => {
  if (!isRequest(value, levels.logs, isEmptyOne)) return false
  walk(value, levels.logs, out, (record, resource, scope, refuse) => {
    const read = part((reader) => logRecord(record, reader))
    if (Result.isFailure(read)) refuse(read.failure)
    else out.add(row(read.success, resource, scope))
  })
  return true
}

export const spans = <Row extends object>(
  value: JsonObject,
  out: Collector<Row>,
  row: (span: Span, resource: Resource, scope: Scope) => Result.Result<Row, Problem>
): boolean => {
  if (!isRequest(value, levels.spans, true)) return false
  walk(value, levels.spans, out, (record, resource, scope, refuse) => {
    const read = Result.flatMap(part((reader) => spanOf(record, reader)), (span) => row(span, resource, scope))
    if (Result.isFailure(read)) refuse(read.failure)
    else out.add(read.success)
  })
  return true
}

export const metrics = <Row extends object>(
  value: JsonObject,
  out: Collector<Row>,
  row: (point: Point, resource: Resource) => Row
): boolean => {
  if (!isRequest(value, levels.metrics, true)) return false
  walk(value, levels.metrics, out, (metric, resource, _, refuse) => {
    const header = part((reader) => ({
      name: reader.text(metric, "name"),
      unit: reader.text(metric, "unit"),
      lists: kinds.flatMap(([member, kind]) => {
        const data = reader.message(metric, member)
        reader.enter(member)
        const points = reader.items(data, "dataPoints")
        reader.leave(1)
        return points.length === 0 ? [] : [{ member, kind, data, points }]
      })
    }))
    if (Result.isFailure(header)) return refuse(header.failure)
    const { lists, name, unit } = header.success
    const other = kinds.some(([member]) => has(metric, member)) ? undefined : dataOf(metric)
    if (other !== undefined) return refuse({ path: [other], reason: "expected data of a kind that OTLP 1 has" })
    for (const { data, kind, member, points } of lists) {
      for (let index = 0; index < points.length && !out.isOver; index++) {
        const point = points[index]
        const read = isObject(point)
          ? part((reader) => pointOf(point, kind, name, unit, reader))
          : Result.fail({ path: [], reason: "expected an object" })
        if (Result.isSuccess(read)) out.add(row(read.success, resource))
        else {
          const alone = { name, unit, [member]: { ...data, data_points: undefined, dataPoints: [point] } }
          refuse(at([member, "dataPoints", index], read.failure), alone)
        }
      }
    }
  })
  return true
}
