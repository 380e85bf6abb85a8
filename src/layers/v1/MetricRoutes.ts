/** What a poller's checks measured: system metrics, SNMP and throughput. */
import { Effect } from "effect"
import type { PastStatus } from "../../domain/core/PastStatus.ts"
import { kindOf, type MetricKind } from "../../domain/v1/Measured.ts"
import type { Times as Span } from "../../domain/v1/Parameters.ts"
import * as RperfViews from "../../domain/v1/RperfViews.ts"
import * as SnmpViews from "../../domain/v1/SnmpViews.ts"
import * as SysmonViews from "../../domain/v1/SysmonViews.ts"
import * as OwnStatuses from "../../services/v1/OwnStatuses.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as Times from "./Times.ts"
import * as V1Answers from "./V1Answers.ts"

/** Of a poller. */
const servicesMax = 10_000
/** Of one answer; the newest of the span. */
export const readingsMax = 500

const of = Effect.fnUntraced(function*({ asker, at }: Call, kind: MetricKind, span: Span) {
  const poller = at["id"] ?? ""
  const services = yield* OwnStatuses.services(asker, { poller, limit: servicesMax })
  const statuses = yield* OwnStatuses.ofServices(asker, services.filter((one) => kindOf(one) === kind), {
    ...span,
    limit: readingsMax
  })
  return statuses.filter(({ pollerId }): boolean => pollerId === poller)
})

const filled = (all: ReadonlyArray<unknown>, words: string) =>
  all.length === 0
    ? Effect.fail(new Refused({ status: 404, words }))
    : Effect.succeed(V1Answers.json(all))

const rperf: Handle = Effect.fnUntraced(function*(call) {
  const statuses = yield* of(call, "rperf", yield* Times.of(call, Times.plain))
  return yield* filled(RperfViews.readings(statuses).map(({ view }) => view), "No rperf metrics found")
})

const snmp: Handle = Effect.fnUntraced(function*(call) {
  if ([call.query.get("start"), call.query.get("end")].some((text) => text === null || text === "")) {
    return yield* new Refused({ status: 400, words: "start and end parameters are required" })
  }
  const statuses = yield* of(call, "snmp", yield* Times.of(call, Times.short))
  return V1Answers.json(SnmpViews.readings(statuses).map(SnmpViews.view))
})

const sysmon = (part: SysmonViews.SysmonPart): Handle =>
  Effect.fnUntraced(function*(call) {
    const statuses: ReadonlyArray<PastStatus> = yield* of(call, "sysmon", yield* Times.of(call, Times.plain))
    return yield* filled(part(statuses, call.query), "No metrics found")
  })

const shown = { method: "GET", role: "viewer" } as const

export const metricRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/pollers/{id}/rperf", style: "json", handle: rperf },
  { ...shown, path: "/api/pollers/{id}/snmp", style: "text", handle: snmp },
  ...Object.entries(SysmonViews.parts).map(([name, part]): Route => ({
    ...shown,
    path: `/api/pollers/{id}/sysmon/${name}`,
    style: "json",
    handle: sysmon(part)
  }))
]
