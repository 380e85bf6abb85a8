/**
 * A report that core believes: named poller, known partition, every status unwrapped and identified.
 *
 * Whose a status is follows from the report and from the fields beside the message. What the message claims (the ids and
 * the partition in its envelope, which the Go core prefers) moves nothing: whoever can write a message could otherwise
 * write into the state of another agent or partition. A status that only goes along, the last that its poller knows, is
 * nothing new: it was reported when it was measured. Making a report never fails as a whole for one bad status; those are listed in `rejected`, with the reason.
 */
import { DateTime, Option, Result, Schema } from "effect"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"
import * as ServiceKinds from "../ServiceKinds.ts"
import * as EnvelopeContents from "./envelope/EnvelopeContents.ts"
import { type ReceivedReport, type ReceivedStatus, sourceOf } from "./ReceivedReport.ts"
import type { StatusSource } from "./ServiceStatus.ts"

/** A status with its document as text: the bytes are complete here. */
export interface ReportedStatus {
  readonly agentId: AgentId
  readonly serviceType: ServiceType
  readonly serviceName: ServiceName
  readonly partition: Partition
  readonly available: boolean
  /** The check's own document, without its envelope. */
  readonly message: string
  readonly responseTimeNanos: bigint
  readonly source: StatusSource
  readonly kvStoreId: string
}

export interface StatusReport {
  readonly pollerId: PollerId
  readonly partition: Partition
  /** Empty when the poller did not say; what is known from earlier reports is then kept. */
  readonly sourceIp: string
  /** The poller's clock, to the second; ours when that is impossible. */
  readonly reportedAt: DateTime.Utc
  /**
   * By which a report that comes again is known in the history: the poller's clock also where that is too far ahead to be
   * the time of a state. Ours may be set between two times that a report comes.
   */
  readonly recordedAt: DateTime.Utc
  readonly statuses: ReadonlyArray<ReportedStatus>
  /** Until the next report, as the poller says. */
  readonly intervalMillis?: number
}

export interface RejectedStatus {
  readonly serviceType: string
  readonly serviceName: string
  readonly reason: string
}

/** What the report lacked; it was taken all the same. */
export type Omission = "partition" | "source_ip"

export interface Accepted {
  readonly report: StatusReport
  readonly rejected: ReadonlyArray<RejectedStatus>
  readonly omissions: ReadonlyArray<Omission>
}

/** A report that names no poller, or an impossible one, belongs to nobody. */
export class InvalidPollerId extends Schema.TaggedError<InvalidPollerId>()("InvalidPollerId", {
  pollerId: Schema.String
}) {
  override get message(): string {
    return `poller_id is ${JSON.stringify(this.pollerId)}, expected 1 to 256 characters`
  }
}

/** Stands where no agent is named, as `unknown-poller` does on the agent's side. */
const unknownAgent = "unknown-agent"
const defaultPartition = Partition.make("default")

const decodePollerId = Schema.decodeUnknownOption(PollerId)
const decodePartition = Schema.decodeUnknownOption(Partition)
const decodeIds = Schema.decodeUnknownOption(
  Schema.Struct({ agentId: AgentId, serviceType: ServiceType, serviceName: ServiceName })
)
const decoder = new TextDecoder()

const firstFilled = (...candidates: ReadonlyArray<string>): string =>
  candidates.find((candidate) => candidate !== "") ?? ""

const acceptStatus = (
  report: ReceivedReport,
  partition: Partition,
  status: ReceivedStatus
): Result.Result<ReportedStatus, RejectedStatus> => {
  const text = decoder.decode(status.message)
  const enveloped = ServiceKinds.isInventory(status.serviceType)
    ? undefined
    : Option.getOrUndefined(EnvelopeContents.open(text))
  const ids = decodeIds({
    agentId: firstFilled(status.agentId, report.agentId, unknownAgent),
    serviceType: status.serviceType,
    serviceName: status.serviceName
  })
  if (Option.isNone(ids)) {
    const { serviceName, serviceType } = status
    return Result.fail({ serviceName, serviceType, reason: "ids must have 1 to 256 characters" })
  }
  return Result.succeed({
    ...ids.value,
    partition,
    available: status.available,
    message: enveloped?.data ?? text,
    responseTimeNanos: status.responseTimeNanos,
    source: sourceOf(status),
    kvStoreId: status.kvStoreId
  })
}

/** Checks a report as documented: no poller is an error, no partition or source address an omission. */
export const accept = (
  received: ReceivedReport,
  receivedAt: DateTime.Utc
): Result.Result<Accepted, InvalidPollerId> => {
  const pollerId = decodePollerId(received.pollerId)
  if (Option.isNone(pollerId)) return Result.fail(new InvalidPollerId({ pollerId: received.pollerId.slice(0, 64) }))
  const partition = Option.getOrElse(decodePartition(received.partition), () => defaultPartition)
  const results = received.services.filter((status) => sourceOf(status) !== "lastKnown")
    .map((status) => acceptStatus(received, partition, status))
  return Result.succeed({
    report: {
      pollerId: pollerId.value,
      partition,
      sourceIp: received.sourceIp,
      reportedAt: reportTime(received.timestampSeconds, receivedAt, aheadSecondsMax),
      recordedAt: reportTime(received.timestampSeconds, receivedAt, recordAheadSecondsMax),
      ...(received.intervalMillis === undefined ? {} : { intervalMillis: received.intervalMillis }),
      statuses: results.flatMap((result) => Result.isSuccess(result) ? [result.success] : [])
    },
    rejected: results.flatMap((result) => Result.isFailure(result) ? [result.failure] : []),
    omissions: [
      ...(received.partition === "" ? ["partition" as const] : []),
      ...(received.sourceIp === "" ? ["source_ip" as const] : [])
    ]
  })
}

/** How far a poller's clock may be ahead. */
const aheadSecondsMax = 600n
/** So far ahead nobody would ever find it in a history. */
const recordAheadSecondsMax = 86_400n

/**
 * The poller's time; ours when it sent none, or one from the future: a state of tomorrow would hide every newer one
 * until then.
 */
const reportTime = (seconds: bigint, receivedAt: DateTime.Utc, aheadMax: bigint): DateTime.Utc => {
  const nowSeconds = BigInt(Math.floor(DateTime.toEpochMillis(receivedAt) / 1_000))
  return seconds > 0n && seconds <= nowSeconds + aheadMax
    ? DateTime.makeUnsafe(Number(seconds) * 1_000)
    : receivedAt
}
