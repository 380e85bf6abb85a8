/**
 * The standard health service, and a client for anybody's.
 *
 * Statuses are per name; the empty name is the server as a whole. `Check` of an unknown name fails with `NotFound`,
 * `Watch` of one answers `SERVICE_UNKNOWN` and goes on, as the protocol says. A watcher that reads slowly misses
 * intermediate statuses but never the latest.
 */
import { Effect, PubSub, Stream } from "effect"
import { HealthService } from "../../gen/grpc/health/v1/health.ts"
import type { CallOptions } from "./GrpcCallOptions.ts"
import type { AnyChannel } from "./GrpcChannel.ts"
import * as GrpcClient from "./GrpcClient.ts"
import { type GrpcError, NotFound, Unavailable } from "./GrpcError.ts"
import { type Service, service } from "./GrpcService.ts"

export type ServingStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING"

export interface Health {
  /** Registers the name when it is new. */
  readonly set: (name: string, status: ServingStatus) => Effect.Effect<void>
}

interface State {
  readonly statuses: Readonly<Record<string, ServingStatus>>
  readonly isClosing: boolean
}

const codes = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const

/** Only the latest state counts, so a few places are plenty. */
const statesBuffered = 4

const own = (state: State, name: string): ServingStatus | undefined =>
  Object.hasOwn(state.statuses, name) ? state.statuses[name] : undefined

/** The service, its handle, and `close`, which says NOT_SERVING to all watchers and ends their streams. */
export const make = Effect.fnUntraced(function*(initial: Readonly<Record<string, ServingStatus>>) {
  let state: State = { statuses: { "": "SERVING", ...initial }, isClosing: false }
  const states = yield* PubSub.sliding<State>({ capacity: statesBuffered, replay: 1 })
  const update = (next: State) =>
    Effect.suspend(() => {
      state = next
      return Effect.asVoid(PubSub.publish(states, next))
    })
  yield* update(state)
  const health: Health = {
    set: (name, status) => Effect.suspend(() => update({ ...state, statuses: { ...state.statuses, [name]: status } }))
  }
  const watch = (name: string) =>
    Stream.fromPubSub(states).pipe(
      Stream.takeUntil((one) => one.isClosing),
      Stream.map((one) => ({ status: codes[own(one, name) ?? "SERVICE_UNKNOWN"] })),
      Stream.changesWith((a, b) => a.status === b.status),
      Stream.concat(Stream.fail(new Unavailable({ detail: "the server is shutting down" })))
    )
  const bound: Service<never> = service(HealthService, {
    check: (request) =>
      Effect.suspend(() => {
        const status = own(state, request.service)
        return status === undefined
          ? Effect.fail(new NotFound({ detail: `unknown service ${JSON.stringify(request.service)}` }))
          : Effect.succeed({ status: codes[status] })
      }),
    watch: (request) => watch(request.service)
  })
  const close = Effect.suspend(() =>
    update({
      statuses: Object.fromEntries(Object.keys(state.statuses).map((name) => [name, "NOT_SERVING" as const])),
      isClosing: true
    })
  )
  return { health, service: bound, close }
})

/** What a peer may answer; `SERVICE_UNKNOWN` only to `watch`. */
export type PeerStatus = ServingStatus | "SERVICE_UNKNOWN"

export interface HealthClient {
  readonly check: (name: string, options?: CallOptions) => Effect.Effect<PeerStatus, GrpcError>
  readonly watch: (name: string, options?: CallOptions) => Stream.Stream<PeerStatus, GrpcError>
}

const statusOf = (code: number): PeerStatus => {
  switch (code) {
    case codes.SERVING:
      return "SERVING"
    case codes.NOT_SERVING:
      return "NOT_SERVING"
    case codes.SERVICE_UNKNOWN:
      return "SERVICE_UNKNOWN"
    default:
      return "UNKNOWN"
  }
}

/** On the channel of the service it asks about, so that it needs no connection of its own. */
export const client = (channel: AnyChannel): HealthClient => {
  const health = GrpcClient.fromChannel(HealthService, channel)
  return {
    check: (name, options) =>
      Effect.map(health.check({ service: name }, options), (response) => statusOf(response.status)),
    watch: (name, options) =>
      Stream.map(health.watch({ service: name }, options), (response) => statusOf(response.status))
  }
}
