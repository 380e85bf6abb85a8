/**
 * A finished sweep in the words of the Go agent: the summary of GetStatus, the document of GetResults, and the chunks of
 * StreamResults.
 *
 * Up to 1 MiB a sweep is one chunk; a larger one has at most 1000 hosts in each, as there, and at most 1 MiB, which a
 * thousand hosts with many open ports exceed. Each chunk is a whole document with the totals of all. Of a very large
 * network only the hosts that answered are listed; the totals count all.
 *
 * Whatever is made of all hosts is made in steps (`Steps`), because that of a large network takes a second.
 */
import { DateTime } from "effect"
import { isAvailable, type SweepFindings } from "./SweepFindings.ts"
import * as SweepPlan from "./SweepPlan.ts"

/** Go's zero time: nothing was swept yet. */
export const neverSeconds = -62_135_596_800

const chunkHostsMax = 1000
const chunkBytesMax = 1_048_576
/** Of a network with more hosts, those that did not answer are not listed: core could not take so many. */
export const silentListedMax = 200_000

const secondsOf = (findings: SweepFindings | undefined): number =>
  findings === undefined || findings.newestMillis === 0 ? neverSeconds : Math.floor(findings.newestMillis / 1000)

/** Yields after some hosts each, so that whoever has other things to do can do them meanwhile. */
export type Steps<A> = Generator<undefined, A>

const hostsInStep = 64

export interface Summary {
  readonly networks: ReadonlyArray<string>
  /** Of the last sweep that came to its end. */
  readonly findings: SweepFindings | undefined
  readonly sequence: number
}

/** The message of GetStatus. */
export const summary = ({ findings, networks, sequence }: Summary): string =>
  JSON.stringify({
    network: networks.join(","),
    total_hosts: findings?.hosts ?? 0,
    available_hosts: findings?.availableHosts ?? 0,
    last_sweep: secondsOf(findings),
    ports: findings?.ports ?? [],
    defined_cidrs: networks.length,
    unique_ips: 0,
    sequence
  })

/** The hosts of a block as they are listed, comma separated and without brackets. */
function* hostTexts(findings: SweepFindings, block: number): Generator<string> {
  const listsAll = findings.plan.hosts <= silentListedMax
  const seen = JSON.stringify(DateTime.formatIso(DateTime.makeUnsafe(findings.at(block)?.at ?? 0)))
  for (const { address, found, modes } of findings.hostsOf(block)) {
    const available = isAvailable(found)
    if (!available && !listsAll) continue
    const ports = found.open.map(({ nanos, port }) =>
      `{"port":${port},"available":true,"response_time":${Math.round(nanos)}}`
    )
    const { ping } = found
    const icmp = (modes & SweepPlan.icmp) === 0
      ? ""
      : `"icmp_status":{"available":${ping !== undefined},"round_trip":${Math.round(ping?.nanos ?? 0)},` +
        `"packet_loss":${ping?.lossPercent ?? 100}},`
    yield `{"host":${JSON.stringify(address)},"available":${available},"first_seen":${seen},"last_seen":${seen},` +
      (ports.length === 0 ? "" : `"port_results":[${ports.join(",")}],`) + `${icmp}"response_time":0}`
  }
}

/** The hosts of one chunk: from one in a block, by its place among those that are listed of it, up to another. */
interface Part {
  readonly block: number
  readonly host: number
  readonly hosts: number
}

export interface Layout {
  readonly findings: SweepFindings
  /** The document's bytes when it is in one piece. */
  readonly bytes: number
  readonly parts: ReadonlyArray<Part>
}

const head = (findings: SweepFindings): string =>
  `{"network":"","total_hosts":${findings.hosts},"available_hosts":${findings.availableHosts},` +
  `"last_sweep":${secondsOf(findings)},"ports":${JSON.stringify(findings.ports)},"hosts":[`

const sortedHead = (findings: SweepFindings): string => `{"available_hosts":${findings.availableHosts},"hosts":[`
const sortedTail = (findings: SweepFindings): string =>
  `],"last_sweep":${secondsOf(findings)},"network":"","ports":${JSON.stringify(findings.ports)},` +
  `"total_hosts":${findings.hosts}}`

/** Measures the document and says where its chunks begin; what is measured is plain ASCII. */
export function* layOut(findings: SweepFindings): Steps<Layout> {
  const frame = sortedHead(findings).length + sortedTail(findings).length
  const parts: Array<Part> = []
  let bytes = head(findings).length + "]}".length
  let total = 0
  let part = { block: 0, host: 0, hosts: 0 }
  let partBytes = frame
  for (let block = 0; block < findings.plan.blocks; block++) {
    let host = 0
    for (const text of hostTexts(findings, block)) {
      const size = text.length + 1
      if (part.hosts === chunkHostsMax || (part.hosts > 0 && partBytes + size > chunkBytesMax)) {
        parts.push(part)
        part = { block, host, hosts: 0 }
        partBytes = frame
      }
      part.hosts += 1
      partBytes += size
      bytes += total === 0 ? size - 1 : size
      total += 1
      host += 1
      if (total % hostsInStep === 0) yield undefined
    }
    yield undefined
  }
  parts.push(part)
  return { findings, bytes, parts: bytes <= chunkBytesMax ? [{ block: 0, host: 0, hosts: total }] : parts }
}

function* hostsOf(findings: SweepFindings, { block, host, hosts }: Part): Steps<string> {
  const texts: Array<string> = []
  let looked = 0
  let skip = host
  for (let at = block; at < findings.plan.blocks && texts.length < hosts; at++) {
    for (const text of hostTexts(findings, at)) {
      looked += 1
      if (looked % hostsInStep === 0) yield undefined
      if (skip > 0) {
        skip -= 1
        continue
      }
      if (texts.length === hosts) break
      texts.push(text)
    }
    yield undefined
  }
  return texts.join(",")
}

/** The whole document, in the order of the Go agent's declaration. */
export function* whole({ findings }: Layout): Steps<string> {
  const hosts = yield* hostsOf(findings, { block: 0, host: 0, hosts: Number.POSITIVE_INFINITY })
  return `${head(findings)}${hosts}]}`
}

/** One chunk: a document of its own. */
export function* chunk(layout: Layout, index: number): Steps<string> {
  if (layout.parts.length === 1) return yield* whole(layout)
  const part = layout.parts[index]
  const hosts = part === undefined ? "" : yield* hostsOf(layout.findings, part)
  return `${sortedHead(layout.findings)}${hosts}${sortedTail(layout.findings)}`
}

/** Before anything was swept. */
export const nothing =
  `{"network":"","total_hosts":0,"available_hosts":0,"last_sweep":${neverSeconds},"ports":[],"hosts":[]}`
