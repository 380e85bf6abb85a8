/**
 * What one process of a poller has said to the other that takes over from it, and whether it keeps to that: an agent that it
 * has let go is asked for nothing more, and nothing is on its way to it.
 */
import { Effect, Option, Schema } from "effect"
import * as HandoverMessage from "../../src/domain/poller/handover/HandoverMessage.ts"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import type { CarriedChannel, Carrier } from "../../src/layers/grpc/carrier/GrpcCarrier.ts"
import { hostOf } from "../../src/services/simulation/Network.ts"
import * as Process from "../../src/services/simulation/Process.ts"
import type { World } from "../../src/services/simulation/World.ts"

const decode = Schema.decodeOption(HandoverMessage.fromOldLine)

const polls: ReadonlySet<string> = new Set([
  AgentServiceService.getStatus.path,
  AgentServiceService.getResults.path
])

interface Dealings {
  /** Agents that were let go. */
  readonly letGo: Set<string>
  /** Polls on their way, by agent. */
  readonly polls: Map<string, number>
}

export class Handovers {
  readonly #world: World
  readonly #processes = new WeakMap<Process.Process, Dealings>()

  constructor(world: World) {
    this.#world = world
  }

  /** A process has sent this line to the other. */
  said(process: Process.Process, line: string): void {
    const message = decode(line)
    if (Option.isNone(message) || message.value._tag !== "Released") return
    const { agentId } = message.value
    const { letGo, polls } = this.#of(process)
    letGo.add(agentId)
    if ((polls.get(agentId) ?? 0) > 0) this.#violate(process, agentId)
  }

  /** The other is gone, and so is what was said to it. */
  over(process: Process.Process): void {
    this.#of(process).letGo.clear()
  }

  /** Of a poller. */
  carrier(inner: Carrier): Carrier {
    return {
      listen: inner.listen,
      open: (options) =>
        Effect.flatMap(
          Process.Current,
          (process) =>
            Effect.map(inner.open(options), (channel) =>
              process === undefined ? channel : this.#watched(channel, process, hostOf(options.target)))
        )
    }
  }

  #watched(channel: CarriedChannel, process: Process.Process, agent: string): CarriedChannel {
    const dealings = this.#of(process)
    const add = (count: number) => void dealings.polls.set(agent, (dealings.polls.get(agent) ?? 0) + count)
    const unary: CarriedChannel["calls"]["unary"] = (method) => {
      const call = channel.calls.unary(method)
      if (!polls.has(method.path)) return call
      return (...asked) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            add(1)
            if (dealings.letGo.has(agent)) this.#violate(process, agent)
          }),
          () => call(...asked),
          () => Effect.sync(() => add(-1))
        )
    }
    return { ...channel, calls: { ...channel.calls, unary } }
  }

  #of(process: Process.Process): Dealings {
    const known = this.#processes.get(process)
    if (known !== undefined) return known
    const fresh: Dealings = { letGo: new Set(), polls: new Map() }
    this.#processes.set(process, fresh)
    return fresh
  }

  #violate(process: Process.Process, agent: string): void {
    this.#world.violate(
      "an agent that was let go is asked by the other process alone",
      `${process.name} still asks ${agent}, which it has let go`
    )
  }
}
