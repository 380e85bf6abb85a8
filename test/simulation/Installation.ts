/** A whole installation in one world: pollers, agents and core, an event writer, a NATS server and two databases. */
import { Effect } from "effect"
import type { Fault, Profile } from "../../src/domain/simulation/FaultPlan.ts"
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import { GrpcCarrier } from "../../src/layers/grpc/carrier/GrpcCarrier.ts"
import * as SimulatedGrpc from "../../src/layers/simulation/SimulatedGrpc.ts"
import { Disk } from "../../src/services/simulation/Disk.ts"
import { Exchange } from "../../src/services/simulation/Exchange.ts"
import * as Faults from "../../src/services/simulation/Faults.ts"
import * as Link from "../../src/services/simulation/Link.ts"
import { Network } from "../../src/services/simulation/Network.ts"
import type { Scenario } from "../../src/services/simulation/Simulation.ts"
import { World } from "../../src/services/simulation/World.ts"
import { EventBooks, StatusBooks } from "./Books.ts"
import * as Invariants from "./Invariants.ts"
import { KillsAtCommit } from "./KillsAtCommit.ts"
import * as LeaseWorld from "./LeaseWorld.ts"
import { Measurements } from "./Measurements.ts"
import * as Agents from "./parties/Agents.ts"
import * as Core from "./parties/Core.ts"
import { EventsDatabase, type EventsExchange } from "./parties/EventsDatabase.ts"
import * as EventWriter from "./parties/EventWriter.ts"
import { HostFolder } from "./parties/HostFolder.ts"
import * as NatsParty from "./parties/Nats.ts"
import * as PollerFile from "./parties/PollerFile.ts"
import * as Pollers from "./parties/Pollers.ts"
import { StatusDatabase, type StatusExchange } from "./parties/StatusDatabase.ts"
import * as Reloads from "./Reloads.ts"
import * as Replacements from "./Replacements.ts"
import * as SyncWorld from "./SyncWorld.ts"

export interface InstallationOptions {
  readonly hours: number
  readonly agents: number
  readonly checks: number
  readonly pollers: number
  /** Published a second; none without. */
  readonly messagesPerSecond: number
  /** Of sync's source; no sync without. */
  readonly devices: number
  readonly profile: Profile
  /** Whether configurations change and processes are replaced; they are unless told. */
  readonly hasChanges?: boolean
  readonly onWorld?: (world: World, state: () => string) => void
}

export const intervalMillis = 30_000
/** Between the last fault and the end. */
const healMillis = 4 * 60_000
/** Nothing is done to a world that is still starting. */
const startMillis = 10_000

const keepers = ["keeper-0", "keeper-1"]
const leaseOptions = { servers: { keys: "lease", store: "ledger" }, ttlMillis: 20_000, everyMillis: 5_000 }

type Program = () => Effect.Effect<unknown, unknown>

const names = (prefix: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}`)

/** With all that its plans are drawn from. */
export interface InstallationScenario extends Scenario {
  readonly kinds: ReadonlyArray<FaultPlan.Kind>
}

export const scenario = (options: InstallationOptions): InstallationScenario => {
  const agents = names("agent", options.agents)
  const pollers = names("poller", options.pollers)
  const checks = names("check", options.checks)
  const pollerOf = (agent: string): string => pollers[agents.indexOf(agent) % pollers.length] ?? ""
  const hasEvents = options.messagesPerSecond > 0
  const hasSync = options.devices > 0
  const hasChanges = options.hasChanges !== false
  const servers = ["core", "database", ...(hasEvents ? ["writer", "nats", "events"] : [])]
  const pairs: ReadonlyArray<readonly [string, string]> = [
    ...pollers.map((poller) => [poller, "core"] as const),
    ["core", "database"],
    ...(hasEvents ? [["writer", "nats"] as const, ["writer", "events"] as const] : [])
  ]
  const endMillis = options.hours * 3_600_000
  const quietMillis = endMillis - healMillis
  const kinds: ReadonlyArray<FaultPlan.Kind> = [
    ...Faults.kinds([...pollers, ...servers], pairs),
    ...Faults.kinds(agents, []),
    ...["partition", "oneWay", "badLink"].map((kind) => ({ kind, targets: agents, others: pollers })),
    ...["reset", "halfOpen"].map((kind) => ({ kind, targets: agents, others: pollers, isMoment: true })),
    ...["agentHangs", "agentBreaks", "agentLies"].map((kind) => ({ kind, targets: agents })),
    ...["diskFull", "diskSlow"].map((kind) => ({ kind, targets: pollers })),
    { kind: "lostAnswers", targets: hasEvents ? ["database", "events"] : ["database"], isMoment: true },
    { kind: "slowDatabase", targets: hasEvents ? ["database", "events"] : ["database"] },
    { kind: "killsAtCommit", targets: [...pollers, "core", ...(hasEvents ? ["writer"] : [])], weight: 2 },
    ...(hasSync ? SyncWorld.kinds : [])
  ]
  const hosts = agents.length + pollers.length + servers.length + (hasSync ? SyncWorld.hosts.length : 0)
  const times = { profile: options.profile, fromMillis: startMillis, untilMillis: quietMillis }

  const build = (seed: string, plan: ReadonlyArray<Fault>) => {
    const world = new World({ seed })
    const network = new Network(world, Link.lan)
    network.hostIsUp = (name) => world.hosts.get(name)?.isDown === false
    const carrier = SimulatedGrpc.carrier(network)
    const measurements = new Measurements(() => world.nowMillis)
    const statuses = new StatusBooks(world)
    const events = new EventBooks(world)
    const disks = new Map<string, Disk>()
    const troubles = new Map<string, Agents.AgentTrouble>()
    const carried = (program: Program): Program => () =>
      Effect.provideService(Effect.suspend(program), GrpcCarrier, carrier)
    const host = (name: string, program: Program, replacement?: Program) =>
      world.addHost(name, {
        program: carried(program),
        ...(replacement === undefined ? {} : { replacement: carried(replacement) })
      }).start()

    const forgiving = { world, statuses, disks, plan, pollers }
    const kills = new KillsAtCommit(world, (name) => Invariants.forgiveKill(forgiving, name))
    const database = new StatusDatabase(({ agentId, message, serviceName }, poller) => {
      statuses.store(poller, `${agentId}/${serviceName}`, message)
      kills.committed(poller, "core")
    })
    const statusExchange: StatusExchange = new Exchange(network, "5432")
    host("database", () => Effect.scoped(Effect.andThen(statusExchange.serve(database.handle), Effect.never)))
    host("core", () => Core.program(statusExchange, "database"))
    const changeChecker = new Map<string, () => void>()
    for (const name of agents) {
      const trouble: Agents.AgentTrouble = { hangs: false, breaks: false, lies: false }
      troubles.set(name, trouble)
      const files = Agents.filesOf(name, checks[0] ?? "")
      changeChecker.set(name, files.change)
      const isWatched = hasChanges && Reloads.watchedAgents(agents).includes(name)
      host(name, () => Agents.program({ agentId: name, host: files.files, isWatched, measurements, trouble }))
    }
    const pollerFiles = new Map<string, PollerFile.PollerFile>()
    for (const name of pollers) {
      const disk = new Disk(world.random.split(`disk ${name}`))
      disks.set(name, disk)
      const file = new PollerFile.PollerFile({
        pollerId: name,
        core: `core:${Core.port}`,
        agents: agents.filter((agent) => pollerOf(agent) === name),
        checks,
        port: Agents.port,
        intervalMillis,
        nowMillis: () => world.nowMillis
      })
      pollerFiles.set(name, file)
      const folder = new HostFolder(world.random.split(`folder ${name}`))
      const program = (replaces: boolean): Program => () =>
        Pollers.program({
          host: file.files,
          isWatched: hasChanges,
          disk,
          folder,
          replaces,
          onAccepted: ({ status }) => statuses.take(name, `${status.agentId}/${status.serviceName}`, status.message)
        })
      host(name, program(false), program(true))
    }

    const eventsDatabase = new EventsDatabase(
      () => world.nowMillis,
      (bodies) => {
        for (const body of bodies) events.store(body)
        if (bodies.length > 0) kills.committed("writer")
      }
    )
    eventsDatabase.store.rule("logs", (body) => !body.includes("forbidden"))
    const nats = new NatsParty.Nats(() => world.nowMillis, {
      onSettled: (sequence, how) => Invariants.settled({ world, events, nats }, sequence, how)
    })
    if (hasEvents) {
      const eventsExchange: EventsExchange = new Exchange(network, "5432")
      const natsExchange: NatsParty.NatsExchange = new Exchange(network, "4222")
      host("events", () => Effect.scoped(Effect.andThen(eventsExchange.serve(eventsDatabase.handle), Effect.never)))
      host("nats", () => Effect.scoped(Effect.andThen(natsExchange.serve(nats.handle, nats.told), Effect.never)))
      host(
        "writer",
        () =>
          EventWriter.program({
            nats: natsExchange,
            natsHost: "nats",
            database: eventsExchange,
            databaseHost: "events"
          })
      )
      publish(world, nats, events, { perSecond: options.messagesPerSecond, untilMillis: quietMillis })
    }

    const lease = hasChanges
      ? LeaseWorld.add(world, network, host, { ...leaseOptions, workers: keepers, hasFencing: true })
      : undefined
    const sync = hasSync ? SyncWorld.add(world, network, options.devices, host) : undefined

    Faults.carryOut(plan, {
      world,
      network,
      disks,
      own: {
        ...sync?.acts,
        ...(lease === undefined ? {} : { [LeaseWorld.kind]: lease.leaderLost }),
        ...Reloads.acts({
          fileOf: (poller) => pollerFiles.get(poller),
          pollerOf,
          network,
          changeChecker: (agent) => changeChecker.get(agent)?.()
        }),
        [Replacements.kind]: Replacements.act(world, (name) => Invariants.forgiveKill(forgiving, name)),
        agentHangs: toggled(troubles, "hangs"),
        agentBreaks: toggled(troubles, "breaks"),
        agentLies: toggled(troubles, "lies"),
        killsAtCommit: kills.act,
        lostAnswers: ({ amount, target }) => {
          const model = target === "events" ? eventsDatabase : database
          model.lostAnswers += 1 + Math.floor(3 * amount)
        },
        slowDatabase: ({ amount, target }) => {
          const model = target === "events" ? eventsDatabase : database
          model.latencyMillis = 1 + 3_000 * amount
          return () => {
            model.latencyMillis = 1
          }
        }
      }
    })
    Invariants.forgive(forgiving)
    const parts = {
      world,
      network,
      measurements,
      statuses,
      events,
      nats,
      agents,
      checks,
      pollerOf,
      plan,
      intervalMillis,
      intervals: (poller: string) => pollerFiles.get(poller)?.intervals ?? [intervalMillis, intervalMillis] as const
    }
    Invariants.watch(parts)
    options.onWorld?.(world, () => Invariants.lateness(parts))
    return {
      world,
      endMillis,
      healed: [...Invariants.healed(parts, hasEvents), ...(sync?.healed ?? []), ...(lease?.healed ?? [])],
      dispose: () => sync?.dispose()
    }
  }

  return {
    kinds: [
      ...kinds,
      ...Reloads.kinds({ agents, pollers }),
      ...Replacements.kinds(pollers),
      ...LeaseWorld.kinds(leaseOptions)
    ],
    plan: (random) => [
      ...FaultPlan.draw(random, { ...times, kinds, hosts }),
      ...(hasChanges ? Reloads.draw(random.split("reloads"), { agents, pollers }, { ...times, hosts }) : []),
      ...(hasChanges ? Replacements.draw(random.split("replacements"), pollers, times) : []),
      ...(hasChanges ? LeaseWorld.draw(random.split("lease"), leaseOptions, times) : []),
      ...(options.profile === "calm" ? [] : lateSteps(random.split("late"), pollers, quietMillis, endMillis))
    ],
    build
  }
}

/** The time of day may be set while all else is left alone, when nothing else can be why a check is late. */
const lateSteps = (
  random: Seeded,
  pollers: ReadonlyArray<string>,
  fromMillis: number,
  endMillis: number
): ReadonlyArray<Fault> =>
  pollers.filter(() => random.chance(0.5)).map((target) => {
    const atMillis = Math.round(random.between(fromMillis, endMillis - healMillis / 3))
    return {
      kind: "clockStep",
      target,
      atMillis,
      lastsMillis: Math.round(endMillis - atMillis),
      amount: Math.round(random.next() * 1_000) / 1_000
    }
  })

const toggled =
  (troubles: ReadonlyMap<string, Agents.AgentTrouble>, name: keyof Agents.AgentTrouble): Faults.Act => ({ target }) => {
    const trouble = troubles.get(target)
    if (trouble === undefined) return
    trouble[name] = true
    return () => {
      trouble[name] = false
    }
  }

/** Every so many messages one is no JSON, and one is refused by the table. */
const poisonEvery = 97
const forbiddenEvery = 61

/** Straight into the stream: the way there is not this world's subject. */
const publish = (
  world: World,
  nats: NatsParty.Nats,
  events: EventBooks,
  { perSecond, untilMillis }: { readonly perSecond: number; readonly untilMillis: number }
): void => {
  const random = world.random.split("publisher")
  const next = (): void => {
    if (world.nowMillis >= untilMillis) return
    events.published += 1
    const number = events.published
    const body = number % forbiddenEvery === 0 ? `forbidden ${number}` : `line ${number}`
    nats.stream.publish("logs.app", Buffer.from(number % poisonEvery === 0 ? `{"body":` : JSON.stringify({ body })))
    world.after(random.exponential(1_000 / perSecond), next)
  }
  world.after(1_000, next)
}
