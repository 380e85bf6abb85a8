/**
 * What two pollers say to one another while the new one takes over from the old, one JSON document a line.
 *
 *   new  Hello      who I am
 *   old  Welcome    the agents that I poll; or Refused
 *   new  Release    let this agent go
 *   old  Released   it is yours, and this is what I know of its checks
 *   new  Finish     end: what waits in the folder is mine from then on
 *
 * Releases of several agents may be on their way at once. The old one answers to `Finish` by ending: its side of the
 * connection closes when nothing of it is left. A connection that closes before that undoes everything.
 */
import { Schema } from "effect"
import { AgentId, PollerId, ServiceName, ServiceType } from "../../monitoring/Ids.ts"

/** Of these messages; pollers of two protocols do not replace one another. */
export const protocol = 1

/** What goes along with one check. */
export const CheckState = Schema.Struct({
  serviceType: ServiceType,
  serviceName: ServiceName,
  details: Schema.String,
  port: Schema.Int,
  /** Since its last poll began; null when it is to be polled at once. */
  sinceMillis: Schema.NullOr(Schema.Finite),
  /** As last reported; null when it never was. */
  available: Schema.NullOr(Schema.Boolean),
  /** Of the newest results that core has acknowledged. */
  sequence: Schema.String
})
export type CheckState = typeof CheckState.Type

export const FromNew = Schema.Union([
  Schema.TaggedStruct("Hello", { protocol: Schema.Int, pollerId: PollerId, pid: Schema.Int }),
  Schema.TaggedStruct("Release", { agentId: AgentId }),
  Schema.TaggedStruct("Finish", {})
])
export type FromNew = typeof FromNew.Type

export const FromOld = Schema.Union([
  Schema.TaggedStruct("Welcome", { protocol: Schema.Int, pid: Schema.Int, agentIds: Schema.Array(AgentId) }),
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("Released", { agentId: AgentId, checks: Schema.Array(CheckState) })
])
export type FromOld = typeof FromOld.Type

export const fromNewLine = Schema.fromJsonString(FromNew)
export const fromOldLine = Schema.fromJsonString(FromOld)
