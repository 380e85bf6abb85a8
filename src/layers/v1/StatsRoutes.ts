/** Numbers of devices, and of what services log. */
import { DateTime, Effect, Option, Result, Schema } from "effect"
import * as LogCounters from "../../domain/v1/LogCounters.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import { Queries } from "../../services/queries/Queries.ts"
import { QueryAskers } from "../../services/queries/QueryAskers.ts"
import { DeviceStats } from "../../services/v1/DeviceStats.ts"
import type { Call, Handle, Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const stats: Handle = Effect.fnUntraced(function*({ asker }) {
  const { at, document, removed } = yield* DeviceStats.use((all) => all.of(asker))
  const total = Number(document["total_devices"] ?? 0)
  const now = yield* DateTime.now
  const ageMillis = Math.max(0, DateTime.toEpochMillis(now) - DateTime.toEpochMillis(at))
  return V1Answers.json(document, 200, {
    "x-serviceradar-stats-age-ms": `${ageMillis}`,
    "x-serviceradar-stats-timestamp": DateTime.formatIso(at),
    "x-serviceradar-stats-raw-records": `${total + removed}`,
    "x-serviceradar-stats-processed-records": `${total}`,
    "x-serviceradar-stats-skipped-nil": "0",
    "x-serviceradar-stats-skipped-tombstoned": `${removed}`,
    // They are devices here, and counted as such.
    "x-serviceradar-stats-skipped-service-components": "0",
    "x-serviceradar-stats-skipped-non-canonical": "0"
  })
})

const parsed = (rows: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  rows.map((row) => Result.getOrElse(Result.try((): unknown => JSON.parse(row)), () => null))

/** Rows of the asker's tenant; none where the database has no logs. */
const ask = Effect.fnUntraced(function*({ asker: { actor }, shown }: Call, text: string, limit: number) {
  const { name, tenant } = yield* QueryAskers.use((askers) => askers.of(shown))
  return yield* Queries.use((queries) => queries.page({ text, limit, style: "service", tenant, actor, asker: name }))
    .pipe(
      Effect.map(({ rows }) => parsed(rows)),
      Effect.catchIf(
        (error) => error._tag === "QueryError" && error.reason._tag === "NoSuchData",
        () => Effect.succeed([])
      )
    )
})

const logLimits = { usual: 100, most: 500 }

const critical: Handle = Effect.fnUntraced(function*(call) {
  const limit = Parameters.number(call.query.get("limit"), logLimits)
  const rows = yield* ask(
    call,
    "in:logs time:last_24h severity_text:(fatal,FATAL,error,ERROR) sort:timestamp:desc",
    limit
  )
  return V1Answers.json({ logs: rows })
})

/** More spellings of severities than there are. */
const severitiesMax = 1000

const Counted = Schema.Struct({ severity_text: Schema.NullOr(Schema.String), total: Schema.Finite })
const decodeCounted = Schema.decodeUnknownOption(Counted)

const within = (call: Call, span: string) =>
  Effect.map(
    ask(call, `in:logs time:${span} stats:"count() as total by severity_text"`, severitiesMax),
    (rows) => LogCounters.sum(rows.flatMap((row) => Option.toArray(decodeCounted(row))))
  )

const counters: Handle = Effect.fnUntraced(function*(call) {
  return V1Answers.json({
    counters: {
      updated_at: DateTime.formatIso(call.now),
      window_1h: yield* within(call, "last_1h"),
      window_24h: yield* within(call, "last_24h")
    }
  })
})

const shown = { method: "GET", role: "viewer", style: "json" } as const

export const statsRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/stats", handle: stats },
  { ...shown, path: "/api/logs/critical", handle: critical },
  { ...shown, path: "/api/logs/critical/counters", handle: counters }
]
