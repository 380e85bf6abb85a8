/**
 * What of a poller's tree belongs to agents that its file does not name; each of it rests where the file has nothing for it.
 *
 *   Discovery (one_for_one)   absent where the file has no `discovery` and never will
 *   ├─ Leases   permanent: lets go those that are not heard of any more
 *   ├─ Roster   permanent: makes those that came a part of the poller, and tells core
 *   ├─ Static   permanent: a list
 *   ├─ DnsSrv   permanent: a name to ask for
 *   └─ Nats     permanent: a subject to listen to
 */
import { Config, Effect, Layer, Option, Schema } from "effect"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import type { ArrivalSource } from "../../domain/poller/discovery/Arrival.ts"
import type { DiscoveryConfig, NatsSubject } from "../../domain/poller/discovery/DiscoveryConfig.ts"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../layers/nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as DnsSrvDirectory from "../../layers/poller/discovery/DnsSrvDirectory.ts"
import * as NatsAnnouncements from "../../layers/poller/discovery/NatsAnnouncements.ts"
import * as StaticDirectory from "../../layers/poller/discovery/StaticDirectory.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as ConfigPart from "../../services/poller/ConfigPart.ts"
import * as AgentDirectory from "../../services/poller/discovery/AgentDirectory.ts"
import * as ArrivalRoster from "../../services/poller/discovery/ArrivalRoster.ts"
import { Arrivals } from "../../services/poller/discovery/Arrivals.ts"
import * as ArrivedAgents from "../../services/poller/discovery/ArrivedAgents.ts"
import { Credentials } from "../../services/security/Credentials.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

/** `discovery.nats` names a subject, and nobody says where NATS is. */
export class NoNats extends Schema.TaggedError<NoNats>()("NoNats", { subject: Schema.String }) {
  override get message(): string {
    return `discovery.nats.subject is ${JSON.stringify(this.subject)}, expected NATS_URL to say where it is`
  }
}

/** Only for a poller that has it. */
const withArrivals = <E, R, E1, R1>(
  start: (arrivals: Arrivals["Service"]) => Effect.Effect<Effect.Effect<never, E1, R1>, E, R>
) =>
  Effect.flatMap(
    Effect.serviceOption(Arrivals),
    Option.match({
      onNone: (): Effect.Effect<Effect.Effect<never, E1, R1>, E, R> => Effect.succeed(Effect.never),
      onSome: start
    })
  )

/** Found by a list, or by asking, where the file has it; without it nobody is. */
const directory = <A>(
  id: "DnsSrv" | "Static",
  source: ArrivalSource,
  of: (discovery: DiscoveryConfig) => Option.Option<A>,
  make: (of: A) => AgentDirectory.AgentDirectory
) => {
  const partOf = ({ discovery }: PollerConfig) => Option.flatMap(discovery, of)
  return Supervisor.child({
    id,
    start: withArrivals((arrivals) =>
      ConfigPart.start({
        name: `discovery by ${source}`,
        of: partOf,
        isBeside: false,
        start: (config) =>
          Effect.succeed(Option.match(partOf(config), {
            onNone: () => Effect.andThen(arrivals.replace(source, []), Effect.never),
            onSome: (one) => Effect.provideService(AgentDirectory.follow(make(one)), Arrivals, arrivals)
          }))
      })
    )
  })
}

const natsOf = ({ discovery }: PollerConfig) => Option.flatMap(discovery, ({ nats }) => nats)

const natsUrl = Config.option(Config.Redacted("NATS_URL"))

const checkNats = Effect.fnUntraced(function*({ subject }: NatsSubject) {
  if (Option.isNone(yield* natsUrl)) return yield* new NoNats({ subject })
})

/** On a connection of its own. */
const listen = Effect.fnUntraced(function*(of: NatsSubject, arrivals: Arrivals["Service"]) {
  yield* checkNats(of)
  const { nats } = EventWriterSettings.resolve([yield* EventWriterEnvironment.readNats])
  const connection = yield* Layer.build(
    NatsConnection.layer({
      name: "serviceradar-poller-discovery",
      credentials: NatsCredentials.ofSettings(nats)
    }).pipe(Layer.provide(NatsEndpoint.layer(nats.url)), Layer.provideMerge(SecurityLayer.layer))
  )
  return Effect.raceAllFirst([
    Credentials.use(({ keep }) => keep),
    NatsConnection.use(({ keep }) => keep),
    NatsAnnouncements.listen(of)
  ]).pipe(
    Effect.provide(connection),
    Effect.provideService(Arrivals, arrivals)
  )
})

/** `isFollowed`: the file may come to have it. */
export const children = ({ discovery }: PollerConfig, isFollowed: boolean) =>
  Option.isNone(discovery) && !isFollowed ? [] : [
    Supervisor.supervisor({
      id: "Discovery",
      strategy: "one_for_one",
      children: [
        Supervisor.child({ id: "Leases", start: withArrivals(({ run }) => Effect.succeed(run)) }),
        Supervisor.child({
          id: "Roster",
          start: withArrivals((arrivals) =>
            Effect.succeed(Effect.provideService(ArrivalRoster.run, Arrivals, arrivals))
          )
        }),
        directory(
          "Static",
          "static",
          ({ listed }) => listed.length === 0 ? Option.none() : Option.some(listed),
          StaticDirectory.make
        ),
        directory("DnsSrv", "dns", ({ dnsSrv }) => dnsSrv, DnsSrvDirectory.make),
        Supervisor.child({
          id: "Nats",
          start: withArrivals((arrivals) =>
            ConfigPart.start({
              name: "discovery by nats",
              of: natsOf,
              isBeside: false,
              start: (config) =>
                Option.match(natsOf(config), {
                  onNone: () => Effect.succeed(Effect.andThen(arrivals.replace("nats", []), Effect.never)),
                  onSome: (of) => listen(of, arrivals)
                })
            })
          )
        })
      ]
    })
  ]

/**
 * The agents that came, and how they are added to the configuration: around the poller, whose layer they are no part of, as
 * other programs run pollers without.
 */
export const layer = (config: PollerConfig) => {
  const configured = { file: (): PollerConfig | undefined => config }
  const current = () => configured.file() ?? config
  const arrivals = Arrivals.layer({
    agentsMax: () => Option.match(current().discovery, { onNone: () => 0, onSome: ({ agentsMax }) => agentsMax }),
    isConfigured: (agentId) => current().agents.some((agent) => agent.agentId === agentId)
  })
  const added = Layer.effect(
    ArrivedAgents.ArrivedAgents,
    Effect.gen(function*() {
      yield* Effect.transposeOption(Option.map(natsOf(config), checkNats))
      const present = yield* Arrivals
      const agents = ArrivedAgents.make(config, Effect.map(present.current, ({ arrivals }) => arrivals))
      configured.file = agents.file
      return agents
    })
  )
  return Layer.provideMerge(added, arrivals)
}
