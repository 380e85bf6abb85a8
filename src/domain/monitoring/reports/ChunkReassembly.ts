/**
 * Puts a streamed report together again.
 *
 * A poller cuts a message above 3 MiB into slices, sends them one after another and leaves `source` empty in them. So a
 * piece continues the one before it when agent, type and name are the same and either that piece was exactly as long as
 * a slice or both lack a source. The Go core joins whatever has the same name and type, whichever agent it came from;
 * joining by agent too, and only neighbours, keeps two agents with equally named checks apart, and two statuses of one
 * service in one stream.
 */
import { Bytes, Result, Schema } from "effect"
import type { ReceivedChunk, ReceivedReport, ReceivedStatus, ReportHead } from "./ReceivedReport.ts"

/** Bytes of a full slice, fixed on the wire. */
export const sliceBytes = 3 * 1024 * 1024

export interface Limits {
  /** Of all messages of one report together. */
  readonly bytesMax: number
  /** Slices of a large message count each. */
  readonly statusesMax: number
  readonly chunksMax: number
}

export const defaultLimits: Limits = {
  bytesMax: 64 * 1024 * 1024,
  statusesMax: 50_000,
  chunksMax: 100_000
}

/** The stream holds more than one report may. */
export class ReportTooLarge extends Schema.TaggedError<ReportTooLarge>()("ReportTooLarge", {
  what: Schema.Literals(["bytes", "statuses", "chunks"]),
  max: Schema.Int
}) {
  override get message(): string {
    return `The report has more than ${this.max} ${this.what}`
  }
}

interface Piece {
  readonly status: ReceivedStatus
  readonly slices: ReadonlyArray<Uint8Array>
}

/** What has arrived so far. The lists grow in place: a report belongs to one stream, and copying would be quadratic. */
export interface Reassembly {
  readonly limits: Limits
  readonly pieces: Array<Piece & { readonly slices: Array<Uint8Array> }>
  head: ReportHead | undefined
  bytes: number
  statuses: number
  chunks: number
  isComplete: boolean
}

export const make = (limits: Limits = defaultLimits): Reassembly => ({
  limits,
  pieces: [],
  head: undefined,
  bytes: 0,
  statuses: 0,
  chunks: 0,
  isComplete: false
})

const continues = (last: Piece, status: ReceivedStatus): boolean =>
  last.status.agentId === status.agentId &&
  last.status.serviceType === status.serviceType &&
  last.status.serviceName === status.serviceName &&
  (last.slices.at(-1)?.length === sliceBytes || (last.status.source === "" && status.source === ""))

const exceeded = ({ bytes, chunks, limits, statuses }: Reassembly): ReportTooLarge | undefined => {
  if (bytes > limits.bytesMax) return new ReportTooLarge({ what: "bytes", max: limits.bytesMax })
  if (statuses > limits.statusesMax) return new ReportTooLarge({ what: "statuses", max: limits.statusesMax })
  return chunks > limits.chunksMax ? new ReportTooLarge({ what: "chunks", max: limits.chunksMax }) : undefined
}

/** Takes the next chunk; what follows the final one is ignored. */
export const add = (state: Reassembly, chunk: ReceivedChunk): Result.Result<Reassembly, ReportTooLarge> => {
  if (state.isComplete) return Result.succeed(state)
  for (const { message } of chunk.services) state.bytes += message.length
  state.statuses += chunk.services.length
  state.chunks += 1
  const tooLarge = exceeded(state)
  if (tooLarge !== undefined) return Result.fail(tooLarge)
  // Only the first chunk that names its poller speaks for the report.
  if (state.head === undefined && chunk.pollerId !== "") state.head = chunk
  for (const given of chunk.services) {
    // A chunk speaks for one agent, and the next chunk perhaps for another.
    const status = given.agentId === "" ? { ...given, agentId: chunk.agentId } : given
    const last = state.pieces.at(-1)
    if (last !== undefined && continues(last, status)) last.slices.push(status.message)
    else state.pieces.push({ status, slices: [status.message] })
  }
  state.isComplete = chunk.isFinal
  return Result.succeed(state)
}

/** The report; a stream that ended without its final chunk counts, as the Go core has it. */
export const finish = (state: Reassembly): ReceivedReport => ({
  pollerId: state.head?.pollerId ?? "",
  agentId: state.head?.agentId ?? "",
  partition: state.head?.partition ?? "",
  sourceIp: state.head?.sourceIp ?? "",
  timestampSeconds: state.head?.timestampSeconds ?? 0n,
  services: state.pieces.map(({ slices, status }) => ({ ...status, message: join(slices) }))
})

/** An uncut message is handed on as it came. */
const join = (slices: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [only] = slices
  return only !== undefined && slices.length === 1 ? only : Bytes.concat(slices)
}
