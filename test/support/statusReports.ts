/**
 * Reports for tests of core, as a poller would send them.
 */
import type { ReceivedReport, ReceivedStatus } from "../../src/domain/monitoring/reports/ReceivedReport.ts"

const encoder = new TextEncoder()

export const bytes = (text: string): Uint8Array => encoder.encode(text)

export const receivedStatus = (fields: Partial<ReceivedStatus> = {}): ReceivedStatus => ({
  serviceName: "ssh",
  serviceType: "port",
  available: true,
  message: bytes("{\"ok\":true}"),
  responseTimeNanos: 1_000_000n,
  agentId: "agent-1",
  partition: "site-a",
  source: "getStatus",
  kvStoreId: "",
  ...fields
})

export const receivedReport = (fields: Partial<ReceivedReport> = {}): ReceivedReport => ({
  pollerId: "poller-1",
  agentId: "",
  partition: "site-a",
  sourceIp: "192.0.2.1",
  timestampSeconds: 1_700_000_000n,
  services: [receivedStatus()],
  ...fields
})
