/**
 * Names that travel between agents, pollers and core.
 *
 * All are opaque, non-empty strings; the brands only keep one kind from being passed where another is meant.
 */
import { Schema } from "effect"

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256))

/** An agent's id: the key of its entry in the poller's `agents` map. */
export const AgentId = Name.pipe(Schema.brand("AgentId"))
export type AgentId = typeof AgentId.Type

export const PollerId = Name.pipe(Schema.brand("PollerId"))
export type PollerId = typeof PollerId.Type

/** The name of a check as configured in the poller, unique for one agent and type. */
export const ServiceName = Name.pipe(Schema.brand("ServiceName"))
export type ServiceName = typeof ServiceName.Type

/** Selects the checker: `process`, `port`, `icmp`, `http`, `grpc`, `sysmon`, `sweep`, …; open, because peers add their own. */
export const ServiceType = Name.pipe(Schema.brand("ServiceType"))
export type ServiceType = typeof ServiceType.Type

/** A logical network partition; `default` where nothing is configured. */
export const Partition = Name.pipe(Schema.brand("Partition"))
export type Partition = typeof Partition.Type
