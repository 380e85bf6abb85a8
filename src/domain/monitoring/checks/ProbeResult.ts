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

export const processActive = (name: string, caller: Caller, responseTimeNanos: bigint): ProbeResult => ({
  available: true,
  responseTimeNanos,
  message: encode({
    status: "active",
    process_name: name,
    active: true,
    agent_id: caller.agentId,
    poller_id: caller.pollerId
  })
})

export const processInactive = (name: string, reason: string, responseTimeNanos: bigint = 0n): ProbeResult =>
  failed(`Process ${name} is not running: ${reason}`, responseTimeNanos)

/** The replies to some echo requests, or their absence (`packetLoss` 100, round trip 0). */
export interface Ping {
  /** Of those that were answered, on average. */
  readonly roundTripNanos: bigint
  /** Percent, 0 to 100. */
  readonly packetLoss: number
}

/** `identity` is given when the check names no host: then the agent answers for its own device. */
export const pinged = (
  host: string,
  address: string,
  ping: Ping,
  identity?: Caller & { readonly deviceId: string }
): ProbeResult => {
  const available = ping.packetLoss < 100
  return {
    available,
    responseTimeNanos: ping.roundTripNanos,
    message: encode({
      host,
      response_time: Number(ping.roundTripNanos),
      packet_loss: ping.packetLoss,
      available,
      ...addressOf(host, address),
      ...(identity === undefined
        ? {}
        : { agent_id: identity.agentId, poller_id: identity.pollerId, device_id: identity.deviceId })
    })
  }
}

export interface HttpAnswer {
  readonly url: string
  /** Where the redirects ended; the same as `url` when there were none. */
  readonly finalUrl: string
  readonly statusCode: number
  readonly redirects: number
  /** Of the server that gave the final answer. */
  readonly address: string
  /** Of the certificate of the chain that expires first. */
  readonly tlsExpiry?: {
    readonly days: number
    readonly notAfter: string
    readonly subject: string
    readonly issuer: string
  }
  readonly bodyMatched?: boolean
}

/** `complaint` says what of the answer was not as expected; absent when all was. */
export const httpAnswered = (
  answer: HttpAnswer,
  responseTimeNanos: bigint,
  complaint: string | undefined
): ProbeResult => ({
  available: complaint === undefined,
  responseTimeNanos,
  message: encode({
    url: answer.url,
    final_url: answer.finalUrl,
    status_code: answer.statusCode,
    redirects: answer.redirects,
    response_time: Number(responseTimeNanos),
    address: answer.address,
    ...(answer.tlsExpiry === undefined ? {} : {
      tls_expiry_days: answer.tlsExpiry.days,
      tls_not_after: answer.tlsExpiry.notAfter,
      tls_subject: answer.tlsExpiry.subject,
      tls_issuer: answer.tlsExpiry.issuer
    }),
    ...(answer.bodyMatched === undefined ? {} : { body_matched: answer.bodyMatched }),
    ...(complaint === undefined ? {} : { error: complaint })
  })
})

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
