/** Pollers, what they report, and how they did. */
import { DateTime, Duration, Effect, Option } from "effect"
import { kindOf } from "../../domain/v1/Measured.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import * as PollerViews from "../../domain/v1/PollerViews.ts"
import { points } from "../../domain/v1/ResponsePoints.ts"
import * as ServiceTree from "../../domain/v1/ServiceTree.ts"
import type { Asker } from "../../services/records/Records.ts"
import * as OwnStatuses from "../../services/v1/OwnStatuses.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

/** Of one answer. */
const servicesMax = 10_000
const historyMax = 1000
const pointsMax = 100
/** How far back response times are looked for. */
const pointsAge = Duration.days(1)

const noPoller = new Refused({ status: 404, words: "Poller not found" })

const found = Effect.fnUntraced(function*({ asker, at }: Call) {
  const [poller] = yield* OwnStatuses.pollers(asker, at["id"] ?? "")
  return poller === undefined ? yield* Effect.fail(noPoller) : poller
})

const statesOf = (asker: Asker, poller: string) => OwnStatuses.states(asker, { poller, limit: servicesMax })

/** The newest response times of a poller's pings. */
const pointsOf = Effect.fnUntraced(function*({ asker, now }: Call, poller: string) {
  const services = yield* OwnStatuses.services(asker, { poller, limit: servicesMax })
  const pings = services.filter((service) => kindOf(service) === "icmp")
  const statuses = yield* OwnStatuses.ofServices(asker, pings, {
    from: DateTime.subtractDuration(now, pointsAge),
    to: DateTime.addDuration(now, pointsAge),
    limit: pointsMax
  })
  return points(statuses.filter(({ pollerId }) => pollerId === poller))
})

const list: Handle = Effect.fnUntraced(function*({ asker }) {
  const pollers = yield* OwnStatuses.pollers(asker)
  return V1Answers.json(PollerViews.pollers(pollers, yield* OwnStatuses.states(asker, { limit: servicesMax })))
})

const one: Handle = Effect.fnUntraced(function*(call) {
  const poller = yield* found(call)
  const { pollerId } = poller
  const states = yield* statesOf(call.asker, pollerId)
  return V1Answers.json(PollerViews.poller(poller, states, yield* pointsOf(call, pollerId)))
})

const services: Handle = Effect.fnUntraced(function*(call) {
  const { pollerId } = yield* found(call)
  return V1Answers.json(PollerViews.services(yield* statesOf(call.asker, pollerId)))
})

const service: Handle = Effect.fnUntraced(function*(call) {
  const { pollerId: poller } = yield* found(call)
  const name = call.at["name"] ?? ""
  const states = yield* OwnStatuses.states(call.asker, { poller, name, limit: 1 })
  return yield* Option.match(PollerViews.named(states, name), {
    onNone: () => Effect.fail(new Refused({ status: 404, words: "Service not found" })),
    onSome: (view) => Effect.succeed(V1Answers.json(view))
  })
})

const history: Handle = ({ asker, at }) =>
  Effect.map(
    OwnStatuses.healthOf(asker, at["id"] ?? "", historyMax),
    (health) => V1Answers.json(PollerViews.history(health))
  )

const metrics: Handle = Effect.fnUntraced(function*(call) {
  const all = yield* pointsOf(call, call.at["id"] ?? "")
  return all.length === 0
    ? yield* new Refused({ status: 404, words: "No metrics found" })
    : V1Answers.json(all)
})

const status: Handle = ({ asker, now }) =>
  Effect.map(OwnStatuses.pollers(asker), (pollers) => V1Answers.json(PollerViews.status(pollers, now)))

const treeBounds = { usual: 1000, most: 1000 }
const offsetBounds = { usual: 0, most: 100_000 }

const tree: Handle = Effect.fnUntraced(function*({ asker, query }) {
  const poller = query.get("poller") || undefined
  const agent = query.get("agent") || undefined
  const pollers = yield* OwnStatuses.pollers(asker, poller)
  const services = yield* OwnStatuses.services(asker, {
    limit: servicesMax,
    ...(poller === undefined ? {} : { poller }),
    ...(agent === undefined ? {} : { agent })
  })
  return V1Answers.json(ServiceTree.tree(pollers, services, {
    isConfiguredOnly: query.get("configured") === "only",
    limit: Parameters.number(query.get("limit"), treeBounds),
    offset: Parameters.number(query.get("offset"), offsetBounds, 0)
  }))
})

const agents: Handle = ({ asker, at }) =>
  Effect.map(
    OwnStatuses.services(asker, { limit: servicesMax, ...(at["id"] === undefined ? {} : { poller: at["id"] }) }),
    (all) => V1Answers.json(ServiceTree.agents(all))
  )

const shown = { method: "GET", role: "viewer", style: "text" } as const

export const pollerRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/pollers", handle: list },
  { ...shown, path: "/api/pollers/{id}", handle: one },
  { ...shown, path: "/api/pollers/{id}/services", handle: services },
  { ...shown, path: "/api/pollers/{id}/services/{name}", handle: service },
  { ...shown, path: "/api/pollers/{id}/history", handle: history },
  { ...shown, path: "/api/pollers/{id}/metrics", handle: metrics },
  { ...shown, path: "/api/status", handle: status },
  { ...shown, path: "/api/services/tree", handle: tree },
  { ...shown, path: "/api/admin/agents", role: "admin", style: "json", handle: agents },
  { ...shown, path: "/api/admin/pollers/{id}/agents", role: "admin", style: "json", handle: agents }
]
