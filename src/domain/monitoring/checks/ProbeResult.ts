/**
 * What one probe observed, as a value: a refused port or a dead host is a result, not an error.
 *
 * `message` is the JSON document that existing pollers and cores read; the builders below spell its keys exactly as the
 * Go services do, and everything goes through `JSON.stringify`, so a quote in an error text never breaks the document.
 */
import type { HostPort } from "../../sockets/HostPort.ts"

export interface ProbeResult {
  readonly available: boolean
  /** Nanoseconds; 0 when nothing was measured. */
  readonly responseTimeNanos: bigint
  /** A JSON document. */
  readonly message: string
}

/** Who asked: agents put both ids into some payloads. */
export interface Caller {
  readonly agentId: string
  readonly pollerId: string
}

const encode = (payload: Readonly<Record<string, unknown>>): string => JSON.stringify(payload)

/** Nothing was reached, or what was reached is not well: `{"error": …}`. */
export const failed = (error: string, responseTimeNanos: bigint = 0n): ProbeResult => ({
  available: false,
  responseTimeNanos,
  message: encode({ error })
})

/** The target was reached; `complaint` says what of it is not as expected. */
export const answered = (facts: object, responseTimeNanos: bigint, complaint?: string): ProbeResult => ({
  available: complaint === undefined,
  responseTimeNanos,
  message: encode({
    ...facts,
    response_time: Number(responseTimeNanos),
    ...(complaint === undefined ? {} : { error: complaint })
  })
})

/** Which of its addresses a name stood for; nothing beside a host that is an address. */
const addressOf = (host: string, address: string) => address === "" || address === host ? {} : { address }

export const portOpen = (
  { host, port }: HostPort,
  address: string,
  responseTimeNanos: bigint
): ProbeResult => ({
  available: true,
  responseTimeNanos,
  message: encode({ host, port, response_time: Number(responseTimeNanos), ...addressOf(host, address) })
})

export const portClosed = (port: number, reason: string, responseTimeNanos: bigint = 0n): ProbeResult =>
  failed(`Port ${port} is not accessible: ${reason}`, responseTimeNanos)

/** The replies to some echo requests, or their absence (`packetLoss` 100, round trip 0). */
export interface Ping {
  /** Of those that were answered, on average. */
  readonly roundTripNanos: bigint
  /** Percent, 0 to 100. */
  readonly packetLoss: number
  readonly sent: number
  readonly received: number
  /** The program that sent them, where it is known. */
  readonly tool?: string
  /** Of each request that was answered, in order; empty where the tool told the average only. */
  readonly roundTripsNanos: ReadonlyArray<number>
}

/** Shortest, longest, and how far they are from their average on average; nothing without replies. */
const spreadOf = (times: ReadonlyArray<number>) => {
  if (times.length === 0) return {}
  const average = times.reduce((sum, one) => sum + one, 0) / times.length
  const deviation = times.reduce((sum, one) => sum + Math.abs(one - average), 0) / times.length
  return {
    round_trip_min: Math.min(...times),
    round_trip_max: Math.max(...times),
    round_trip_deviation: Math.round(deviation)
  }
}

/** `identity` is given when the check names no host: then the agent answers for its own device. */
export const pinged = (
  host: string,
  address: string,
  ping: Ping,
  identity?: Caller & { readonly deviceId: string },
  complaint?: string
): ProbeResult => {
  const available = ping.packetLoss < 100 && complaint === undefined
  return {
    available,
    responseTimeNanos: ping.roundTripNanos,
    message: encode({
      host,
      response_time: Number(ping.roundTripNanos),
      packet_loss: ping.packetLoss,
      available,
      packets_sent: ping.sent,
      packets_received: ping.received,
      ...spreadOf(ping.roundTripsNanos),
      ...(ping.tool === undefined ? {} : { tool: ping.tool }),
      ...addressOf(host, address),
      ...(identity === undefined
        ? {}
        : { agent_id: identity.agentId, poller_id: identity.pollerId, device_id: identity.deviceId }),
      ...(complaint === undefined ? {} : { error: complaint })
    })
  }
}

/** The health answer of an external checker that has no details of its own. */
export const grpcServing = (
  check: {
    readonly serviceName: string
    readonly grpcService: string
    readonly checkedAt: string
    readonly address: string
  },
  responseTimeNanos: bigint
): ProbeResult => ({
  available: true,
  responseTimeNanos,
  message: encode({
    service: check.serviceName,
    grpc_service: check.grpcService,
    status: "SERVING",
    checked_at: check.checkedAt,
    address: check.address,
    // Go peers always send `true` here: the health answer was the last one cached when the object is built.
    cached_status: true
  })
})
