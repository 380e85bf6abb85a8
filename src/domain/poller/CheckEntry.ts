/** A check as the poller's file writes it. */
import { Duration, Option, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"
import { type Check, timeoutDefault } from "../monitoring/checks/Check.ts"
import { ServiceName, ServiceType } from "../monitoring/Ids.ts"
import * as CleanText from "../monitoring/reports/CleanText.ts"
import type * as DistinctChecks from "./DistinctChecks.ts"

const isClean = Schema.makeFilter((name: string) => CleanText.isKept(name) || "a name without NUL")

/** Beyond what is a port; sent as it is, as the existing poller does, to agents that do not read it. */
const portNumberMax = 2 ** 31 - 1

export const CheckEntry = Schema.Struct({
  service_type: ServiceType.check(isClean),
  service_name: ServiceName.check(isClean),
  details: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: portNumberMax }))),
  results_interval: Schema.optionalKey(GoDuration),
  /** Between two GetStatus, in place of the poller's; beyond the keys of existing pollers. */
  interval: Schema.optionalKey(GoDuration),
  /** Of one GetStatus; beyond the keys of existing pollers, which wait 30 s. */
  timeout: Schema.optionalKey(GoDuration)
})
export type CheckEntry = typeof CheckEntry.Type

export const nameOf = ({ results_interval, service_name, service_type }: CheckEntry): DistinctChecks.Named => ({
  serviceType: service_type,
  serviceName: service_name,
  isOfResults: results_interval !== undefined
})

export const toCheck = (entry: CheckEntry): Check => ({
  serviceType: entry.service_type,
  serviceName: entry.service_name,
  details: entry.details ?? "",
  port: entry.port ?? 0,
  resultsInterval: Option.fromNullishOr(entry.results_interval),
  interval: Option.filter(Option.fromNullishOr(entry.interval), (interval) => !Duration.isZero(interval)),
  timeout: entry.timeout === undefined || Duration.isZero(entry.timeout) ? timeoutDefault : entry.timeout
})
