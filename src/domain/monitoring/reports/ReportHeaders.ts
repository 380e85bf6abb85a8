/**
 * What poller and core tell each other beside a report, as gRPC metadata; peers without it behave as they always did.
 */

/** Request: milliseconds until the next report is to be expected. */
export const interval = "serviceradar-report-interval-ms"

/**
 * Request: the same for the same statuses, however often they are sent. Of a report that goes in several sends each has
 * its own: `ID/N-M`, from the Nth status of the report to the Mth.
 */
export const reportId = "serviceradar-report-id"

/** The name under which the health service of a core says the same before there is any report. */
export const partsHealth = "serviceradar.report-parts"

/** Response: `1` from a core that keeps what it knows of checks that a report does not name. */
export const parts = "serviceradar-report-parts"
export const partsTaken = "1"

const intervalMillisMax = 7 * 86_400_000

/** Undefined for what is no interval. */
export const parseIntervalMillis = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const millis = Number(text)
  return millis >= 1 && millis <= intervalMillisMax ? millis : undefined
}
