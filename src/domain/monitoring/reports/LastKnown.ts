/**
 * A status that goes along in a report without having been measured for it: the last that is known, marked as such.
 *
 * The mark is the source `lastKnown` beside the message, and in the envelope `last_known`, the time at which it was
 * measured; core of v1.0.76 reads neither and shows the second. What a results check brought is not sent again, because
 * that core would take it in again: only that there is such a check and how it was. Nor is a status of a megabyte, which every
 * report would hold.
 */
import { DateTime, Option } from "effect"
import * as ExactJson from "../ExactJson.ts"
import { kindOf } from "../ServiceKinds.ts"
import * as Envelope from "./envelope/Envelope.ts"
import * as EnvelopeContents from "./envelope/EnvelopeContents.ts"
import type { ServiceStatus } from "./ServiceStatus.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The existing core passes over an object of type `sync` that has both keys. */
const inventory = encoder.encode("{\"status\":\"last_known\",\"devices\":[]}")

/** Larger results are not worth their way once core has had them. */
const resultBytesMax = 64 * 1024

/** Larger ones of a status neither: a check that floods the poller would flood core with each report. */
const statusBytesMax = 256 * 1024

/** Whether it goes along with its message as it is, once core has had it. */
export const keepsMessage = ({ message, serviceType, source }: ServiceStatus): boolean =>
  source === "results"
    ? kindOf(serviceType).results === undefined && message.length <= resultBytesMax
    : message.length <= statusBytesMax

/** Rewritten once, when core has had the results, and kept instead of them. */
export const shorten = (status: ServiceStatus): ServiceStatus => {
  if (keepsMessage(status)) return status
  if (status.source !== "results") return withoutMessage(status)
  if (kindOf(status.serviceType).results === "inventory") return { ...status, message: inventory }
  return { ...status, message: Envelope.wrap(status, encoder.encode(summaryOf(status))) }
}

/** Not read for it: its size says enough. */
const withoutMessage = (status: ServiceStatus): ServiceStatus => {
  const message = `the last that is known, ${status.message.length} bytes, is not sent again`
  return { ...status, message: Envelope.wrapJson(status, JSON.stringify({ message })) }
}

/** What a sweep says of itself, without its hosts. */
const summaryOf = ({ message, serviceType }: ServiceStatus): string => {
  const document = Option.map(EnvelopeContents.open(decoder.decode(message)), ({ data }) => Envelope.objectOf(data))
  const summary = Option.getOrElse(Option.flatten(document), () => ({}))
  const kept = Object.entries(summary).filter(([, value]) => typeof value !== "object" || value === null)
  return ExactJson.stringify({
    ...Object.fromEntries(kept),
    ...(kindOf(serviceType).results === "sweep" ? { hosts: [] } : {})
  })
}

/** The status as it goes along in a report that it was not measured for. */
export const mark = (status: ServiceStatus, measuredAtMillis: number): ServiceStatus => ({
  ...status,
  source: "lastKnown",
  message: Envelope.annotate(status.message, "last_known", DateTime.formatIso(DateTime.makeUnsafe(measuredAtMillis)))
})
