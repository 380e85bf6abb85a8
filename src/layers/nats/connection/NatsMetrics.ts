/** Whether there is a connection to NATS, and how often one was made or did not come about. */
import { Effect, Metric } from "effect"

const isConnected = Metric.gauge("nats_connected", { description: "1 while there is a connection to NATS" })

const connections = Metric.counter("nats_connections_total", {
  description: "Connections made to NATS, the first one included",
  incremental: true
})

const failures = Metric.counter("nats_connection_failures_total", {
  description: "Connections that were lost or did not come about, by reason: away or refused",
  incremental: true
})

export const connected = Effect.andThen(Metric.update(isConnected, 1), Metric.update(connections, 1))

export const away = (isRefused: boolean) =>
  Effect.andThen(
    Metric.update(isConnected, 0),
    Metric.update(Metric.withAttributes(failures, { reason: isRefused ? "refused" : "away" }), 1)
  )
