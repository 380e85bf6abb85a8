/**
 * What a poller counts. None carries an agent's name: the number of series must not grow with the fleet; which agent
 * it was is in the log and in the live tree.
 */
import { Metric } from "effect"
import type { AgentClass } from "../../domain/poller/AgentClass.ts"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

export const polls = counter("polls_total", "Checks run against agents")
export const pollsSuccessful = counter("polls_successful", "Checks that an agent answered")
export const pollsFailed = counter("polls_failed", "Checks that no agent answered")
const pollsSkipped = counter(
  "polls_skipped_total",
  "Polls that were not made, by reason: the one before took too long (late), the agent's circuit or limit withheld it (withheld), or core has not acknowledged the same results yet (unacknowledged)"
)

export const pollsSkippedOf = {
  late: Metric.withAttributes(pollsSkipped, { reason: "late" }),
  withheld: Metric.withAttributes(pollsSkipped, { reason: "withheld" }),
  unacknowledged: Metric.withAttributes(pollsSkipped, { reason: "unacknowledged" })
}

export const configReloads = counter(
  "config_reloads_total",
  "Times the configuration was read again, by outcome: applied, unchanged, or invalid and left aside"
)
export const agentConnections = counter("agent_connections", "Times an agent was found present")
export const agentFailures = counter("agent_failures", "Times an agent was found absent")
export const claimedNames = counter(
  "agent_names_refused_total",
  "Answers under the name of another agent of the poller, which were reported under the agent's own"
)
export const streamingChunks = counter("streaming_chunks_processed", "Chunks of results received from agents")
export const circuitTransitions = counter(
  "agent_circuit_transitions_total",
  "Circuit breaker transitions, by new state"
)
export const reportsSent = counter("core_reports_sent", "Reports that core acknowledged")
export const reportsDropped = counter(
  "report_buffer_dropped_total",
  "Statuses given up before core had them, by reason"
)

export const reportBufferSize = Metric.gauge("report_buffer_size", {
  description: "Statuses that core has not acknowledged yet"
})

export const reportBufferBytes = Metric.gauge("report_buffer_bytes", {
  description:
    "Bytes of statuses that core has not acknowledged yet, by place: in memory, and in the files of the folder"
})

const answerSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const pollSeconds = Metric.histogram("poll_duration_seconds", {
  description: "Time from asking an agent to its answer, by how the agent is reached",
  boundaries: answerSeconds
})

/** Each with its label, which is not made anew for each poll. */
export const pollSecondsOf = {
  plain: Metric.withAttributes(pollSeconds, { agent_class: "plain" }),
  mtls: Metric.withAttributes(pollSeconds, { agent_class: "mtls" }),
  spiffe: Metric.withAttributes(pollSeconds, { agent_class: "spiffe" })
} as const satisfies Readonly<Record<AgentClass, unknown>>

export const latenessSeconds = Metric.histogram("poll_lateness_seconds", {
  description: "How much later than its time on the interval's grid a poll began",
  boundaries: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
})

export const pollsInFlight = Metric.gauge("polls_in_flight", {
  description: "Checks that agents are being asked for now"
})

export const recoverySeconds = Metric.histogram("agent_recovery_seconds", {
  description: "Time from the first sign of an absent agent to the first check that it answered",
  boundaries: answerSeconds
})

export const absenceSeconds = Metric.histogram("agent_absence_seconds", {
  description: "How long an agent counted as absent, when it is back",
  boundaries: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400]
})

export const acknowledgedSeconds = Metric.histogram("status_acknowledged_seconds", {
  description: "Time from measuring the oldest status of a report to core's acknowledgement of it",
  boundaries: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400]
})

const agents = Metric.gauge("poller_agents", { description: "Agents, by whether they answer" })

export const agentsOf = {
  present: Metric.withAttributes(agents, { state: "present" }),
  absent: Metric.withAttributes(agents, { state: "absent" })
} as const

export const shadowStatuses = counter("shadow_statuses_total", "Statuses that a shadow wrote in place of a report")

export const rolledBack = Metric.gauge("rollout_rolled_back", {
  description: "1 while the rollout is rolled back: no agent is polled and nothing is reported"
})

export const arrivedAgents = Metric.gauge("poller_arrived_agents", {
  description: "Agents that are in no configuration file: they came by themselves, or were found"
})

export const refusedAgents = counter(
  "poller_agents_refused_total",
  "Registrations and announcements of agents that were not taken, by source (registration, nats) and reason: unreadable, configured, taken or full"
)
