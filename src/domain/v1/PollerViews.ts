/**
 * Pollers and their services as the existing core shows them.
 *
 * The message of a service is the envelope in which it travels, made anew of what is kept. All messages of an answer share
 * one room; where it is full a message is told by its size, as the existing core does with its rows.
 */
import { DateTime, Option, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { PollerHealth, ReportingPoller } from "../core/PastStatus.ts"
import * as ExactJson from "../monitoring/ExactJson.ts"
import * as Envelope from "../monitoring/reports/envelope/Envelope.ts"
import type { ServiceState } from "../monitoring/reports/ServiceState.ts"
import type { ResponsePoint } from "./ResponsePoints.ts"

/** Characters of messages in one answer; each goes out twice. */
const messagesMax = 8 * 2 ** 20

/** That of Go's zero time: nobody there has ever set it. */
const firstSeen = "0001-01-01T00:00:00Z"

/** What the existing core's ring of response times holds. */
const pointsKept = 100

interface ServiceView {
  readonly agent_id: string
  readonly poller_id: string
  readonly name: string
  readonly available: boolean
  readonly message: string | null
  readonly type: string
  readonly details: unknown
  readonly kv_store_id?: string
}

interface PollerView {
  readonly poller_id: string
  readonly is_healthy: boolean
  readonly last_update: string
  readonly services: ReadonlyArray<ServiceView>
  readonly uptime: string
  readonly first_seen: string
  readonly metrics?: ReadonlyArray<ResponsePoint>
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const documentOf = (bytes: Uint8Array): unknown =>
  Result.getOrElse(Result.try(() => ExactJson.parse(decoder.decode(bytes))), () => null)

const messageOf = (state: ServiceState): Pick<ServiceView, "message" | "details"> => {
  if (state.message === "") return { message: null, details: null }
  const bytes = Envelope.wrap(state, encoder.encode(state.message))
  return { message: Base64.encode(bytes), details: documentOf(bytes) }
}

const cut = ({ message }: ServiceState): Pick<ServiceView, "message" | "details"> => {
  const details = { truncated: true, original_size: message.length }
  return { message: Base64.encode(JSON.stringify(details)), details }
}

export const services = (states: ReadonlyArray<ServiceState>): ReadonlyArray<ServiceView> => {
  let room = messagesMax
  return states.map((state) => {
    const isThere = state.message.length <= room
    if (isThere) room -= state.message.length
    return {
      agent_id: state.agentId,
      poller_id: state.pollerId,
      name: state.serviceName,
      available: state.available,
      type: state.serviceType,
      ...(isThere ? messageOf(state) : cut(state)),
      ...(state.kvStoreId === "" ? {} : { kv_store_id: state.kvStoreId })
    }
  })
}

export const isHealthy = ({ isAllAvailable, isMissed }: ReportingPoller): boolean => isAllAvailable && !isMissed

const view = (poller: ReportingPoller, services: ReadonlyArray<ServiceView>): PollerView => ({
  poller_id: poller.pollerId,
  is_healthy: isHealthy(poller),
  last_update: DateTime.formatIso(poller.lastSeenAt),
  services,
  uptime: "",
  first_seen: firstSeen
})

export const pollers = (
  all: ReadonlyArray<ReportingPoller>,
  states: ReadonlyArray<ServiceState>
): ReadonlyArray<PollerView> => {
  const byPoller = Map.groupBy(services(states), ({ poller_id }) => poller_id)
  return all.map((poller) => view(poller, byPoller.get(poller.pollerId) ?? []))
}

const nothingYet: ResponsePoint = { timestamp: "1970-01-01T00:00:00Z", response_time: 0, service_name: "" }

/** With its response times, of which clients there know a hundred. */
export const poller = (
  one: ReportingPoller,
  states: ReadonlyArray<ServiceState>,
  points: ReadonlyArray<ResponsePoint>
): PollerView => ({
  ...view(one, services(states)),
  ...(points.length === 0 ? {} : {
    metrics: [...Array.from({ length: Math.max(0, pointsKept - points.length) }, () => nothingYet), ...points]
  })
})

export const history = (health: ReadonlyArray<PollerHealth>) =>
  health.map(({ at, isHealthy }) => ({ timestamp: DateTime.formatIso(at), is_healthy: isHealthy }))

export const status = (all: ReadonlyArray<ReportingPoller>, now: DateTime.Utc) => ({
  total_pollers: all.length,
  healthy_pollers: all.filter(isHealthy).length,
  last_update: DateTime.formatIso(now)
})

/** The first of a name. */
export const named = (states: ReadonlyArray<ServiceState>, name: string): Option.Option<ServiceView> =>
  Option.fromUndefinedOr(services(states.filter(({ serviceName }) => serviceName === name).slice(0, 1))[0])
