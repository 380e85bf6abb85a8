/** A host as a report names it. */
import { Option, Result } from "effect"
import * as IpAddress from "../../monitoring/IpAddress.ts"
import type { StatusReport } from "../../monitoring/reports/StatusReport.ts"
import type { SaidAlias, Sighting } from "./Sighting.ts"

export type Report = Pick<StatusReport, "pollerId" | "partition" | "sourceIp" | "reportedAt">

export const parseJson = (text: string): unknown =>
  Result.getOrElse(Result.try((): unknown => JSON.parse(text)), () => null)
export const isLoopback = (ip: string): boolean => ip.startsWith("127.") || ip === "::1"

export const textOf = (value: unknown): string => typeof value === "string" ? value.trim() : ""

export const addressOf = (text: string): string => Option.getOrElse(IpAddress.parse(text), () => "")

export const first = (...texts: ReadonlyArray<string>): string => texts.find((text) => text !== "") ?? ""

/** The collector whose check reached it, which is another machine with an address that tells it from others. */
export const collectorOf = ({ sourceIp }: Report, ip: string): ReadonlyArray<SaidAlias> => {
  const value = addressOf(sourceIp)
  return value === "" || value === ip || isLoopback(value) ? [] : [{ type: "collector_ip", value }]
}

/** Of a machine whose checks name one of its loopback addresses: where it reports from, or else one for all of them. */
const ownAddress = ({ sourceIp }: Report): string => {
  const address = addressOf(sourceIp)
  return address === "" || isLoopback(address) ? "127.0.0.1" : address
}

export const sightingOf = (
  report: Report,
  { agentId }: { readonly agentId: string },
  said: Pick<Sighting, "ip" | "hostname" | "isAvailable" | "isProof" | "source">
): Sighting => {
  const isOwn = isLoopback(said.ip)
  return {
    partition: report.partition,
    // The same address on every machine tells none from another.
    uid: isOwn ? `serviceradar:agent:${agentId}` : "",
    identifiers: [],
    mac: "",
    pollerId: report.pollerId,
    agentId,
    seenAt: report.reportedAt,
    ...said,
    ip: isOwn ? ownAddress(report) : said.ip
  }
}
