/**
 * `POST /api/devices/search`: devices by what they are called, or by a query in SRQL that begins with `in:`.
 *
 * The first is the engine `registry` there, the second `srql`; both are core itself here. Offsets go up to a million.
 */
import { Clock, Effect, Option, Schema } from "effect"
import * as E from "../../domain/resource/expression/Expression.ts"
import * as DeviceViews from "../../domain/v1/DeviceViews.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import { Queries } from "../../services/queries/Queries.ts"
import { QueryAskers } from "../../services/queries/QueryAskers.ts"
import * as DeviceList from "../../services/v1/DeviceList.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Asked = Schema.Struct({
  query: optional(Schema.String),
  mode: optional(Schema.String),
  filters: optional(Schema.Record(Schema.String, Schema.Unknown)),
  pagination: optional(Schema.Struct({
    limit: optional(Schema.Finite),
    offset: optional(Schema.Finite),
    cursor: optional(Schema.String),
    direction: optional(Schema.String)
  }))
})
type Asked = typeof Asked.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Asked))

const limits = { usual: 100, most: DeviceList.devicesMax }
const offsets = { usual: 0, most: 1_000_000 }

const placeOf = ({ pagination }: Asked) => ({
  limit: Parameters.number(`${pagination?.limit ?? ""}`, limits),
  offset: Parameters.number(`${pagination?.offset ?? ""}`, offsets, 0)
})

const filterOf = (asked: Asked, name: string): string => {
  const value = asked.filters?.[name]
  return typeof value === "string" ? value : ""
}

const byName = Effect.fnUntraced(function*({ asker }: Call, asked: Asked) {
  const { limit, offset } = placeOf(asked)
  const search = (asked.query ?? "").trim()
  const status = filterOf(asked, "status")
  const where = E.and(
    DeviceList.isThere,
    ...(search === "" ? [] : [DeviceList.isCalled(search)]),
    ...(status === "online" || status === "offline"
      ? [E.equals(DeviceList.names.isAvailable, status === "online")]
      : [])
  )
  const { devices, hasMore, total } = yield* DeviceList.list(asker, { where, limit, offset, isCounted: true })
  return { devices, pagination: { limit, offset, total, has_more: hasMore } }
})

const Row = Schema.fromJsonString(Schema.Struct({ uid: Schema.String }))
const decodeRow = Schema.decodeUnknownOption(Row)

const bySrql = Effect.fnUntraced(function*({ asker, shown }: Call, asked: Asked, text: string) {
  const { limit } = placeOf(asked)
  const { name, tenant } = yield* QueryAskers.use((askers) => askers.of(shown))
  const cursor = asked.pagination?.cursor ?? ""
  const page = yield* Queries.use((queries) =>
    queries.page({
      text,
      limit,
      style: "service",
      tenant,
      actor: asker.actor,
      asker: name,
      ...(cursor === "" ? {} : { cursor })
    })
  )
  const ids = page.rows.flatMap((row) => Option.toArray(decodeRow(row)).map(({ uid }) => uid))
  const { devices } = yield* DeviceList.list(asker, { where: E.oneOf(DeviceList.names.uid, ids), limit: limits.most })
  const byId = new Map(devices.map((device) => [device.uid, device]))
  return {
    // In the order of the query.
    devices: ids.flatMap((id) => Option.toArray(Option.fromUndefinedOr(byId.get(id)))),
    pagination: { limit: page.limit, next_cursor: page.nextCursor, prev_cursor: page.prevCursor }
  }
})

const modes = new Set(["", "auto", "registry", "registry_only", "srql", "srql_only"])

const search: Handle = Effect.fnUntraced(function*(call) {
  const asked = decode(call.body)
  const mode = Option.match(asked, { onNone: () => "", onSome: (one) => one.mode ?? "" })
  if (Option.isNone(asked) || !modes.has(mode)) {
    return yield* new Refused({ status: 400, words: "invalid search request payload" })
  }
  const startedNanos = yield* Clock.monotonicTimeNanos
  const text = (asked.value.query ?? "").trim()
  const isSrql = mode.startsWith("srql") || (!mode.startsWith("registry") && /(?:^|\s)in:/.test(text))
  const engine = isSrql ? "srql" : "registry"
  const { devices, pagination } = yield* isSrql
    ? bySrql(call, asked.value, text)
    : byName(call, asked.value)
  const tookNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
  return V1Answers.json({
    engine,
    results: devices.map(DeviceViews.entry),
    pagination,
    diagnostics: {
      duration_ms: Number(tookNanos) / 1e6,
      engine,
      engine_reason: isSrql ? "the query is SRQL" : "the query is a name",
      mode: mode === "" ? "auto" : mode
    }
  })
})

export const searchRoutes: ReadonlyArray<Route> = [
  { method: "POST", path: "/api/devices/search", role: "operator", style: "json", isRead: true, handle: search }
]
