/** A whole installation in one world: pollers, agents and core, an event writer, a NATS server and two databases. */
import { Effect } from "effect"
import type { Fault, Profile } from "../../src/domain/simulation/FaultPlan.ts"
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import { type Carrier, GrpcCarrier } from "../../src/layers/grpc/carrier/GrpcCarrier.ts"
import * as SimulatedGrpc from "../../src/layers/simulation/SimulatedGrpc.ts"
import { Disk } from "../../src/services/simulation/Disk.ts"
import { Exchange } from "../../src/services/simulation/Exchange.ts"
import * as Faults from "../../src/services/simulation/Faults.ts"
import * as Link from "../../src/services/simulation/Link.ts"
import { Network } from "../../src/services/simulation/Network.ts"
import type { Scenario } from "../../src/services/simulation/Simulation.ts"
import { World } from "../../src/services/simulation/World.ts"
import { AgentDealings } from "./AgentDealings.ts"
import { EventBooks, StatusBooks } from "./Books.ts"
import { Handovers } from "./Handovers.ts"
import * as IllFaults from "./IllFaults.ts"
import { KillsAtCommit } from "./KillsAtCommit.ts"
import * as LeaseWorld from "./LeaseWorld.ts"
import { Measurements } from "./Measurements.ts"
import * as Agents from "./parties/Agents.ts"
import { aheadMillis, Certificates } from "./parties/Certificates.ts"
import * as Core from "./parties/Core.ts"
import { EventsDatabase, type EventsExchange } from "./parties/EventsDatabase.ts"
import * as EventWriter from "./parties/EventWriter.ts"
import { HostFiles } from "./parties/HostFiles.ts"
import { HostFolder } from "./parties/HostFolder.ts"
import * as IllWill from "./parties/IllWill.ts"
import * as NatsParty from "./parties/Nats.ts"
import * as PollerFile from "./parties/PollerFile.ts"
import * as Pollers from "./parties/Pollers.ts"
import { StatusDatabase, type StatusExchange } from "./parties/StatusDatabase.ts"
import { Presence } from "./Presence.ts"
import { CallPace } from "./promises/CallPace.ts"
import * as DeadLetters from "./promises/DeadLetters.ts"
import * as Felt from "./promises/Felt.ts"
import * as Forgiven from "./promises/Forgiven.ts"
import * as Healed from "./promises/Healed.ts"
import * as Invariants from "./promises/Invariants.ts"
import type { Checker } from "./promises/Parts.ts"
import { publish } from "./Publisher.ts"
import * as Reloads from "./Reloads.ts"
import * as Replacements from "./Replacements.ts"
import * as Rotations from "./Rotations.ts"
import * as SecuredCalls from "./SecuredCalls.ts"
import * as SyncWorld from "./SyncWorld.ts"
import { isOfIllWill, Truth } from "./Truth.ts"

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
  /**
   * Whether configurations change, processes are replaced and agents are of ill will, and checks have intervals of their own;
   * they do unless told. Without, seeds do what they did before there was such a thing.
   */
  readonly hasChanges?: boolean
  readonly onWorld?: (world: World, state: () => string) => void
}

const intervalMillis = 30_000
/** Of the second and third check of each agent, so that not all is measured at one moment. */
const ownIntervals: ReadonlyArray<number | undefined> = [undefined, 23_000, 37_000]
/** Of so many agents results are asked. */
const resultsAgents = 4
/** Between the last fault and the end. */
const healMillis = 4 * 60_000
/** Nothing is done to a world that is still starting. */
const startMillis = 10_000

/** In ten seconds, beside those for each check. */
const callsInVainMax = 60

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
  const ownIntervalOf = (check: string): number | undefined =>
    hasChanges ? ownIntervals[checks.indexOf(check)] : undefined
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
  /** To look at the certificates of each would cost more than it finds. */
  const securedAgents = hasChanges ? Reloads.watchedAgents(agents) : []
  const securedHosts = hasChanges ? ["core", ...pollers, ...securedAgents] : []
  const hosts = agents.length + pollers.length + servers.length + (hasSync ? SyncWorld.hosts.length : 0)
  const times = { profile: options.profile, fromMillis: startMillis, untilMillis: quietMillis }

  const build = (seed: string, plan: ReadonlyArray<Fault>) => {
    const world = new World({ seed })
    const network = new Network(world, Link.lan)
    network.hostIsUp = (name) => world.hosts.get(name)?.isDown === false
    const certificates = new Certificates(world.epochMicros / 1_000, Rotations.overs(plan))
    const carrier = SimulatedGrpc.carrier(network, {
      aheadMillis,
      onCall: (call) => SecuredCalls.begun({ world, plan }, call)
    })
    const measurements = new Measurements(() => world.nowMillis)
    const statuses = new StatusBooks(world)
    const events = new EventBooks(world)
    const disks = new Map<string, Disk>()
    const troubles = new Map<string, Agents.AgentWill>()
    const truth = new Truth(world, measurements)
    const presence = new Presence(world, Reloads.intervalsIn(plan, intervalMillis))
    const dealings = new AgentDealings(world, { checks: checks.length, results: PollerFile.resultsMax })
    const carried = (program: Program, over: Carrier): Program => () =>
      Effect.provideService(Effect.suspend(program), GrpcCarrier, over)
    const host = (name: string, program: Program, replacement?: Program, over: Carrier = carrier) =>
      world.addHost(name, {
        program: carried(program, over),
        ...(replacement === undefined ? {} : { replacement: carried(replacement, over) })
      }).start()

    const forgiving = { world, statuses, disks, plan, pollers }
    const kills = new KillsAtCommit(world, (name) => Forgiven.forgiveKill(forgiving, name))
    const database = new StatusDatabase({
      onReport: (poller) => presence.heard(poller),
      onMissed: (poller) => presence.noted(poller),
      onStored: (status, poller) => {
        const { agentId, message, serviceName } = status
        if (isOfIllWill(message)) dealings.stored(message)
        else statuses.store(poller, `${agentId}/${serviceName}`, message)
        truth.store(poller, status)
        kills.committed(poller, "core")
      }
    })
    const statusExchange: StatusExchange = new Exchange(network, "5432")
    host("database", () => Effect.scoped(Effect.andThen(statusExchange.serve(database.handle), Effect.never)))
    const coreFiles = new HostFiles()
    if (hasChanges) certificates.add({ name: "core", role: "core", files: coreFiles })
    host("core", () =>
      Core.program({
        host: coreFiles,
        isSecured: hasChanges,
        exchange: statusExchange,
        database: "database",
        onPoller: (change) => presence.told(change, Felt.coreSpared(plan, world.nowMillis))
      }))
    const checkers = new Map<string, Checker>()
    const changeChecker = new Map<string, () => void>()
    for (const name of agents) {
      const trouble: Agents.AgentWill = {
        hangs: false,
        breaks: false,
        lies: false,
        floods: false,
        deceives: false,
        poisons: false
      }
      troubles.set(name, trouble)
      const random = world.random.split(`ill will of ${name}`)
      const ill = IllWill.carrier(carrier, { name, agents, checks: checks.length, will: trouble, random, dealings })
      const isSecured = securedAgents.includes(name)
      const files = Agents.filesOf(name, checks[0] ?? "", isSecured)
      if (isSecured) certificates.add({ name, role: "agent", files: files.files })
      changeChecker.set(name, () => {
        files.change()
        checkers.set(name, { host: files.checker(), sinceMillis: world.nowMillis })
      })
      const isWatched = hasChanges && Reloads.watchedAgents(agents).includes(name)
      const party = { agentId: name, host: files.files, isWatched, measurements, trouble }
      host(name, () => Agents.program(party), undefined, hasChanges ? ill : carrier)
    }
    const pollerFiles = new Map<string, PollerFile.PollerFile>()
    const handovers = new Handovers(world)
    const told = {
      onLine: handovers.said.bind(handovers),
      onOver: handovers.over.bind(handovers)
    }
    for (const name of pollers) {
      const disk = new Disk(world.random.split(`disk ${name}`))
      disks.set(name, disk)
      const file = new PollerFile.PollerFile({
        pollerId: name,
        core: `core:${Core.port}`,
        agents: agents.filter((agent) => pollerOf(agent) === name),
        checks,
        ownIntervalOf,
        results: hasChanges ? agents.slice(0, resultsAgents) : [],
        secured: securedAgents,
        port: Agents.port,
        intervalMillis,
        nowMillis: () => world.nowMillis
      })
      pollerFiles.set(name, file)
      if (hasChanges) certificates.add({ name, role: "poller", files: file.files })
      const folder = new HostFolder(world.random.split(`folder ${name}`), told)
      const program = (replaces: boolean): Program => () =>
        Pollers.program({
          host: file.files,
          isWatched: hasChanges,
          disk,
          folder,
          replaces,
          onAccepted: ({ status }) => {
            Invariants.accepted(world, name, status.message)
            statuses.take(name, `${status.agentId}/${status.serviceName}`, status.message)
          },
          onGivenUp: ({ status }) => statuses.drop(name, `${status.agentId}/${status.serviceName}`, status.message)
        })
      const pace = new CallPace(world, name, callsInVainMax + 10 * checks.length)
      const heard = SecuredCalls.carrier(pace.carrier(carrier), { world, plan, poller: name, secured: securedHosts })
      host(name, program(false), program(true), hasChanges ? handovers.carrier(dealings.carrier(heard)) : carrier)
    }

    const isForbidden = (body: string): boolean => body.includes("forbidden")
    const eventsDatabase = new EventsDatabase(
      () => world.nowMillis,
      isForbidden,
      (bodies) => {
        for (const body of bodies) events.store(body)
        if (bodies.length > 0) kills.committed("writer")
      }
    )
    const { undecodable } = events
    const fit = { world, undecodable, isForbidden, deliveriesMax: EventWriter.deliveriesMax }
    const nats = new NatsParty.Nats(() => world.nowMillis, {
      onSettled: (sequence, how) => Invariants.settled({ world, events, nats }, sequence, how),
      onLetter: (letter) => DeadLetters.judge(fit, letter)
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
      const isVaried = hasChanges
      publish(world, nats, events, { perSecond: options.messagesPerSecond, untilMillis: quietMillis, isVaried })
    }

    const lease = hasChanges
      ? LeaseWorld.add(world, network, host, { ...leaseOptions, workers: keepers, hasFencing: true })
      : undefined
    const sync = hasSync ? SyncWorld.add(world, network, options.devices, plan, host) : undefined

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
        ...(hasChanges ? { [Rotations.kind]: Rotations.act(world, certificates) } : {}),
        [Replacements.kind]: Replacements.act(world, (name) => Forgiven.forgiveKill(forgiving, name)),
        agentHangs: toggled(troubles, "hangs"),
        agentBreaks: toggled(troubles, "breaks"),
        agentLies: toggled(troubles, "lies"),
        ...IllFaults.acts(troubles),
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
    Forgiven.forgive(forgiving)
    const parts = {
      world,
      network,
      measurements,
      statuses,
      events,
      nats,
      truth,
      presence,
      agents,
      pollers,
      checks,
      ownIntervalOf,
      pollerOf,
      plan,
      intervalMillis,
      checkers,
      goneMillis: (agent: string) => pollerFiles.get(pollerOf(agent))?.goneMillis(agent) ?? 0,
      intervals: (poller: string) => pollerFiles.get(poller)?.intervals ?? [intervalMillis, intervalMillis] as const
    }
    Invariants.watch(parts)
    options.onWorld?.(world, () => Invariants.lateness(parts))
    return {
      world,
      endMillis,
      healed: [...Healed.healed(parts, hasEvents), ...(sync?.healed ?? []), ...(lease?.healed ?? [])],
      books: () => booksOf(statuses, events, nats),
      dispose: () => sync?.dispose()
    }
  }

  return {
    kinds: [
      ...kinds,
      ...Reloads.kinds({ agents, pollers }),
      ...Replacements.kinds(pollers),
      ...Rotations.kinds(securedHosts),
      ...LeaseWorld.kinds(leaseOptions),
      ...IllFaults.kinds(agents)
    ],
    plan: (random) => [
      ...FaultPlan.draw(random, { ...times, kinds, hosts }),
      ...(hasChanges ? Reloads.draw(random.split("reloads"), { agents, pollers }, { ...times, hosts }) : []),
      ...(hasChanges ? Replacements.draw(random.split("replacements"), pollers, times) : []),
      ...(hasChanges ? Rotations.draw(random.split("rotations"), securedHosts, times) : []),
      ...(hasChanges ? IllFaults.draw(random.split("ill will"), { agents, pollers }, times) : []),
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

/** Where all is that has come, in exact numbers. */
const booksOf = (statuses: StatusBooks, events: EventBooks, nats: NatsParty.Nats): Readonly<Record<string, number>> => {
  const { dropped, gone, stored, taken, waiting } = statuses.counts
  return {
    statusesTaken: taken,
    statusesStored: stored,
    statusesDropped: dropped,
    statusesGone: gone,
    statusesWaiting: waiting,
    eventsPublished: events.published,
    eventsStored: events.visible,
    eventsDeadLetters: nats.letters.size
  }
}

const toggled =
  (troubles: ReadonlyMap<string, Agents.AgentWill>, name: keyof Agents.AgentTrouble): Faults.Act => ({ target }) => {
    const trouble = troubles.get(target)
    if (trouble === undefined) return
    trouble[name] = true
    return () => {
      trouble[name] = false
    }
  }
