/**
 * What two pollers say to one another while the new one takes over from the old, one JSON document a line.
 *
 *   new  Hello      who I am
 *   old  Welcome    the agents that I poll, and those of them that came by themselves; or Refused
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

const CheckOffered = Schema.Struct({
  serviceType: ServiceType,
  serviceName: ServiceName,
  details: Schema.String,
  port: Schema.Int,
  resultsInterval: Schema.OptionFromNullOr(Schema.DurationFromMillis),
  interval: Schema.OptionFromNullOr(Schema.DurationFromMillis),
  timeout: Schema.DurationFromMillis
})

/** An agent that registered at the old one, or announced itself: the new one is not to wait until it does so again. */
export const Arrived = Schema.Struct({
  agentId: AgentId,
  address: Schema.String,
  source: Schema.Literals(["registration", "static", "dns", "nats"]),
  identity: Schema.String,
  version: Schema.String,
  capabilities: Schema.Array(Schema.String),
  checks: Schema.Array(CheckOffered),
  /** Of its lease. */
  leftMillis: Schema.Finite
})
export type Arrived = typeof Arrived.Type

export const FromNew = Schema.Union([
  Schema.TaggedStruct("Hello", { protocol: Schema.Int, pollerId: PollerId, pid: Schema.Int }),
  Schema.TaggedStruct("Release", { agentId: AgentId }),
  Schema.TaggedStruct("Finish", {})
])
export type FromNew = typeof FromNew.Type

export const FromOld = Schema.Union([
  Schema.TaggedStruct("Welcome", {
    protocol: Schema.Int,
    pid: Schema.Int,
    agentIds: Schema.Array(AgentId),
    /** Of one that knows of them. */
    arrived: Schema.optionalKey(Schema.Array(Arrived))
  }),
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("Released", { agentId: AgentId, checks: Schema.Array(CheckState) })
])
export type FromOld = typeof FromOld.Type

export const fromNewLine = Schema.fromJsonString(FromNew)
export const fromOldLine = Schema.fromJsonString(FromOld)
