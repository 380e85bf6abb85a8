/**
 * What of a poller's tree belongs to agents that its file does not name; nothing of it is there without `discovery`.
 *
 *   Discovery (one_for_one)
 *   ├─ Leases   permanent: lets go those that are not heard of any more
 *   ├─ Roster   permanent: makes those that came a part of the poller, and tells core
 *   ├─ Static   permanent: absent without a list
 *   ├─ DnsSrv   permanent: absent without a name to ask for
 *   └─ Nats     permanent: absent without a subject
 */
import { Config, Context, Effect, Layer, Option, Schema } from "effect"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import type { NatsSubject } from "../../domain/poller/discovery/DiscoveryConfig.ts"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../layers/nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as DnsSrvDirectory from "../../layers/poller/discovery/DnsSrvDirectory.ts"
import * as NatsAnnouncements from "../../layers/poller/discovery/NatsAnnouncements.ts"
import * as StaticDirectory from "../../layers/poller/discovery/StaticDirectory.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
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
const ifArrivals = <E, R>(run: Effect.Effect<never, E, R>) =>
  Effect.flatMap(
    Effect.serviceOption(Arrivals),
    Option.match({
      onNone: () => Effect.never,
      onSome: (arrivals) => Effect.provideService(run, Arrivals, arrivals)
    })
  )

/** Listens to announcements, on a connection of its own. */
class Announcements extends Context.Service<Announcements, { readonly listen: Effect.Effect<never> }>()(
  "serviceradar/programs/poller/PollerDiscovery/Announcements"
) {}

export const children = ({ discovery }: PollerConfig) =>
  Option.toArray(discovery).map(({ dnsSrv, listed, nats }) =>
    Supervisor.supervisor({
      id: "Discovery",
      strategy: "one_for_one",
      children: [
        Supervisor.child({ id: "Leases", run: ifArrivals(Arrivals.use(({ run }) => run)) }),
        Supervisor.child({ id: "Roster", run: ifArrivals(ArrivalRoster.run) }),
        ...(listed.length === 0
          ? []
          : [Supervisor.child({ id: "Static", run: ifArrivals(AgentDirectory.follow(StaticDirectory.make(listed))) })]),
        ...Option.toArray(dnsSrv).map((of) =>
          Supervisor.child({ id: "DnsSrv", run: ifArrivals(AgentDirectory.follow(DnsSrvDirectory.make(of))) })
        ),
        ...Option.toArray(nats).map(() =>
          Supervisor.child({
            id: "Nats",
            run: Effect.flatMap(
              Effect.serviceOption(Announcements),
              Option.match({ onNone: () => Effect.never, onSome: ({ listen }) => listen })
            )
          })
        )
      ]
    })
  )

const natsUrl = Config.option(Config.Redacted("NATS_URL"))

const announcements = (of: NatsSubject) =>
  Layer.effect(
    Announcements,
    Effect.gen(function*() {
      if (Option.isNone(yield* natsUrl)) return yield* new NoNats({ subject: of.subject })
      const { nats } = EventWriterSettings.resolve([yield* EventWriterEnvironment.readNats])
      const connection = yield* Layer.build(
        NatsConnection.layer({
          name: "serviceradar-poller-discovery",
          credentials: NatsCredentials.ofSettings(nats)
        }).pipe(Layer.provide(NatsEndpoint.layer(nats.url)), Layer.provideMerge(SecurityLayer.layer))
      )
      const arrivals = yield* Arrivals
      const listen = Effect.raceAllFirst([
        Credentials.use(({ keep }) => keep),
        NatsConnection.use(({ keep }) => keep),
        NatsAnnouncements.listen(of)
      ]).pipe(
        Effect.provide(connection),
        Effect.provideService(Arrivals, arrivals)
      )
      return { listen }
    })
  )

/**
 * The agents that came, and how they are added to the configuration: around the poller, whose layer they are no part of, as
 * other programs run pollers without.
 */
export const layer = (config: PollerConfig) =>
  Option.match(config.discovery, {
    onNone: () => Layer.empty,
    onSome: (discovery) => {
      const { agentsMax, nats } = discovery
      const configured = { file: (): PollerConfig | undefined => config }
      const arrivals = Arrivals.layer({
        agentsMax,
        isConfigured: (agentId) => (configured.file() ?? config).agents.some((agent) => agent.agentId === agentId)
      })
      const added = Layer.effect(
        ArrivedAgents.ArrivedAgents,
        Effect.map(Arrivals, ({ current }) => {
          const agents = ArrivedAgents.make(config, discovery, Effect.map(current, (present) => present.arrivals))
          configured.file = agents.file
          return agents
        })
      )
      return Layer.merge(added, Option.match(nats, { onNone: () => Layer.empty, onSome: announcements })).pipe(
        Layer.provideMerge(arrivals)
      )
    }
  })
