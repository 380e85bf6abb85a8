/**
 * What a poller counts. None carries an agent's name: the number of series must not grow with the fleet; which agent
 * it was is in the log and in the live tree.
 */
import { Metric } from "effect"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

export const polls = counter("polls_total", "Checks run against agents")
export const pollsSuccessful = counter("polls_successful", "Checks that an agent answered")
export const pollsFailed = counter("polls_failed", "Checks that no agent answered")
export const agentConnections = counter("agent_connections", "Times an agent was found present")
export const agentFailures = counter("agent_failures", "Times an agent was found absent")
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

export const pollSeconds = Metric.histogram("poll_duration_seconds", {
  description: "Time from asking an agent to its answer",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
})
