/** A whole installation in one world: pollers, agents, core and its database. */
import { Effect } from "effect"
import { GrpcCarrier } from "../../src/layers/grpc/GrpcCarrier.ts"
import * as SimulatedGrpc from "../../src/layers/simulation/SimulatedGrpc.ts"
import { Disk } from "../../src/services/simulation/Disk.ts"
import { Exchange } from "../../src/services/simulation/Exchange.ts"
import type { HostOptions } from "../../src/services/simulation/Host.ts"
import * as Link from "../../src/services/simulation/Link.ts"
import { Network } from "../../src/services/simulation/Network.ts"
import { World, type WorldOptions } from "../../src/services/simulation/World.ts"
import { Measurements, numberIn } from "./Measurements.ts"
import * as Agents from "./parties/Agents.ts"
import * as Core from "./parties/Core.ts"
import * as DiskFiles from "./parties/DiskFiles.ts"
import * as Pollers from "./parties/Pollers.ts"
import { StatusDatabase, type StatusExchange } from "./parties/StatusDatabase.ts"

export interface InstallationOptions extends WorldOptions {
  readonly agents: number
  readonly checks: number
  readonly pollers: number
}

export const make = (options: InstallationOptions) => {
  const world = new World(options)
  const network = new Network(world, Link.lan)
  network.hostIsUp = (name) => world.hosts.get(name)?.isDown === false
  const carrier = SimulatedGrpc.carrier(network)
  const measurements = new Measurements(() => world.nowMillis)
  const disks = new Map<string, Disk>()
  const troubles = new Map<string, Agents.AgentTrouble>()
  const stored: Array<{ readonly poller: string; readonly check: string; readonly number: number | undefined }> = []
  const host = (name: string, program: () => Effect.Effect<unknown, unknown>, more: Partial<HostOptions> = {}) =>
    world.addHost(name, {
      ...more,
      program: () => Effect.provideService(Effect.suspend(program), GrpcCarrier, carrier)
    }).start()

  const database = new StatusDatabase(({ agentId, message, serviceName }, poller) => {
    stored.push({ poller, check: `${agentId}/${serviceName}`, number: numberIn(message) })
  })
  const exchange: StatusExchange = new Exchange(network, "5432")
  host("database", () => Effect.scoped(Effect.andThen(exchange.serve(database.handle), Effect.never)))
  host("core", () => Core.program(exchange, "database"))

  const checks = Array.from({ length: options.checks }, (_, at) => `check-${at}`)
  const agents = Array.from({ length: options.agents }, (_, at) => `agent-${at}`)
  for (const name of agents) {
    const trouble: Agents.AgentTrouble = { hangs: false, breaks: false, lies: false }
    troubles.set(name, trouble)
    host(name, () => Agents.program(name, measurements, trouble))
  }
  const accepted = new Map<string, Array<string>>()
  const pollers = Array.from({ length: options.pollers }, (_, at) => `poller-${at}`)
  for (const [at, name] of pollers.entries()) {
    const disk = new Disk(world.random.split(`disk ${name}`))
    disks.set(name, disk)
    host(name, () =>
      Pollers.program({
        id: name,
        agents: agents.filter((_, index) => index % options.pollers === at),
        checks,
        pollInterval: "30 seconds",
        core: `core:${Core.port}`,
        files: DiskFiles.make(disk, `/var/lib/${name}`),
        onAccepted: () => {}
      }))
  }
  return { world, network, measurements, stored, accepted, disks, troubles, database, agents, pollers, checks }
}

export type Installation = ReturnType<typeof make>
