/**
 * How the present state of a whole poller goes to a core that takes each report as all there is.
 *
 * The existing core registers an unknown poller on a stream only, and glues the chunks of a stream together by name and
 * type, whichever agent they are of. So the first report is a stream, and equally named checks of two agents go in a
 * unary report: behind a first stream without them whose verdict is the same, because a better one would end an outage.
 */
import * as ReportBatch from "./ReportBatch.ts"
import type { ServiceStatus } from "./ServiceStatus.ts"

/** More go as a stream, as from the Go poller. */
const unaryStatusesMax = 5
/** The existing core takes messages of 4 MiB. */
const unaryBytesMax = 4 * 1_048_576 - 65_536

const largestUnary = ({ unaryBytes }: ReportBatch.SizeLimits): number =>
  unaryBytes < ReportBatch.unaryBytesMax ? unaryBytes : unaryBytesMax

const sizeOf = (statuses: ReadonlyArray<ServiceStatus>): number =>
  statuses.reduce((sum, status) => sum + ReportBatch.wireBytesMax(status), 0)

const keyOf = (status: ServiceStatus): string => `${status.serviceName}:${status.serviceType}`

/** One of each name and type: the one that is down, else the one with most to say. */
const distinct = (statuses: ReadonlyArray<ServiceStatus>): ReadonlyArray<ServiceStatus> => {
  const chosen = new Map<string, ServiceStatus>()
  for (const status of statuses) {
    const key = keyOf(status)
    const other = chosen.get(key)
    const isWorse = other !== undefined && other.available && !status.available
    const isLarger = other !== undefined && other.available === status.available &&
      status.message.length > other.message.length
    if (other === undefined || isWorse || isLarger) chosen.set(key, status)
  }
  return [...chosen.values()]
}

/**
 * Each send by itself shows the whole poller. Only when equally named checks have more to say than a unary message holds,
 * one of each name has to do.
 */
export const plan = (
  statuses: ReadonlyArray<ServiceStatus>,
  options: { readonly isFirst: boolean; readonly limits?: ReportBatch.SizeLimits }
): ReadonlyArray<ReportBatch.Send> => {
  const { limits = ReportBatch.usualLimits } = options
  const one = distinct(statuses)
  const isSmall = statuses.length <= unaryStatusesMax && sizeOf(statuses) <= limits.unaryBytes
  if (one.length === statuses.length) {
    return isSmall && !options.isFirst ? [{ _tag: "Unary", statuses }] : [{ _tag: "Stream", statuses }]
  }
  if (sizeOf(statuses) > largestUnary(limits)) return [{ _tag: "Stream", statuses: one }]
  const all: ReportBatch.Send = { _tag: "Unary", statuses }
  return options.isFirst ? [{ _tag: "Stream", statuses: one }, all] : [all]
}
