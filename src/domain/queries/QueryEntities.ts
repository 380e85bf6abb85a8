/**
 * What is asked for under the names that existing systems have for it: one file, and one row of this list, for each entity. With the
 * resources of core it is the catalog, see `CoreCatalog`.
 */
import type { Entity } from "../srql/catalog/Entity.ts"
import { agents } from "./inventory/Agents.ts"
import { deviceGraph } from "./inventory/DeviceGraph.ts"
import { devices } from "./inventory/Devices.ts"
import { deviceUpdates } from "./inventory/DeviceUpdates.ts"
import { gateways } from "./inventory/Gateways.ts"
import { interfaces } from "./inventory/Interfaces.ts"
import { services } from "./inventory/Services.ts"
import { cpuMetrics } from "./metrics/CpuMetrics.ts"
import { diskMetrics } from "./metrics/DiskMetrics.ts"
import { memoryMetrics } from "./metrics/MemoryMetrics.ts"
import { processMetrics } from "./metrics/ProcessMetrics.ts"
import { rperfMetrics, snmpMetrics, timeseriesMetrics } from "./metrics/TimeseriesMetrics.ts"
import { alerts } from "./observability/Alerts.ts"
import { events } from "./observability/Events.ts"
import { flows } from "./observability/Flows.ts"
import { logs } from "./observability/Logs.ts"
import { otelMetrics } from "./observability/OtelMetrics.ts"
import { traces } from "./observability/Traces.ts"
import { traceSummaries } from "./observability/TraceSummaries.ts"

const cypher = "it needs the graph database Apache AGE; ask in:device_graph, in:devices, in:interfaces and in:services"

/** Why what others have is not there, by its spelling. */
export const missing = {
  graph_cypher: cypher,
  graphcypher: cypher,
  cypher
}

export const entities: ReadonlyArray<Entity> = [
  agents,
  devices,
  deviceUpdates,
  gateways,
  services,
  interfaces,
  deviceGraph,
  events,
  logs,
  otelMetrics,
  traces,
  traceSummaries,
  alerts,
  flows,
  cpuMetrics,
  memoryMetrics,
  diskMetrics,
  processMetrics,
  timeseriesMetrics,
  snmpMetrics,
  rperfMetrics
]
