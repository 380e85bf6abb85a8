/**
 * What passes between pollers and agents, as the poller has it: calls on their way, bytes that were taken, sequences.
 *
 * Each limit is that of the poller, whatever the agent does.
 */
import { Effect, Predicate } from "effect"
import * as ByteAllowance from "../../src/domain/poller/ByteAllowance.ts"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import type { CarriedChannel, Carrier } from "../../src/layers/grpc/carrier/GrpcCarrier.ts"
import { hostOf } from "../../src/services/simulation/Network.ts"
import type { World } from "../../src/services/simulation/World.ts"

export interface DealingsLimits {
  /** Of each agent that are asked for their status. */
  readonly checks: number
  readonly results: number
}

/** A stream may take five minutes, of which a chunk comes each second; those that fill the window are on their way. */
const chunksMax = 330
/** What had been asked for when the limit was reached, beside what all checks may hold. */
const slackBytes = 262_144

interface Taken {
  level: number
  largest: number
  atMillis: number
}

export class AgentDealings {
  readonly #world: World
  readonly #limits: DealingsLimits
  readonly #given = new Map<string, Set<string>>()
  readonly #stored = new Set<string>()

  constructor(world: World, limits: DealingsLimits) {
    this.#world = world
    this.#limits = limits
  }

  /** Of each channel to an agent, which has as many as it had places: another one's configuration is another agent's. */
  carrier(inner: Carrier): Carrier {
    return {
      listen: inner.listen,
      open: (options) => Effect.map(inner.open(options), (channel) => this.#watched(channel, hostOf(options.target)))
    }
  }

  #watched(channel: CarriedChannel, agent: string): CarriedChannel {
    const taken: Taken = { level: 0, largest: 0, atMillis: this.#world.nowMillis }
    const limits: Readonly<Record<string, number>> = {
      [AgentServiceService.getStatus.path]: this.#limits.checks,
      [AgentServiceService.getResults.path]: this.#limits.results
    }
    const running = new Map<string, number>()
    const begin = (path: string, most: number): void => {
      const count = (running.get(path) ?? 0) + 1
      running.set(path, count)
      if (count <= most) return
      this.#world.violate("an agent is asked for no more at once than it has checks", `${agent} ${path}: ${count}`)
    }
    const end = (path: string): void => void running.set(path, (running.get(path) ?? 1) - 1)
    const unary: CarriedChannel["calls"]["unary"] = (method) => {
      const call = channel.calls.unary(method)
      const { path } = method
      const most = limits[path]
      if (most === undefined) return call
      const isStatus = path === AgentServiceService.getStatus.path
      return (...asked) =>
        Effect.acquireUseRelease(
          Effect.sync(() => begin(path, most)),
          () =>
            Effect.tap(call(...asked), (reply) =>
              Effect.sync(() => {
                if (isStatus) this.#take(taken, agent, reply)
              })),
          () => Effect.sync(() => end(path))
        )
    }
    return { ...channel, calls: { ...channel.calls, unary } }
  }

  /** So many of an answer without an end. */
  chunk(agent: string, count: number): void {
    if (count > chunksMax) this.#world.violate("an answer without end is cut off", `${agent} has sent ${count} chunks`)
  }

  /** An agent has said that its results go up to there. */
  given(agent: string, sequence: string): void {
    const given = this.#given.get(agent) ?? new Set<string>()
    this.#given.set(agent, given)
    given.add(sequence)
  }

  /** A poller goes on from there. */
  asked(agent: string, sequence: string): void {
    if (sequence === "" || this.#given.get(agent)?.has(sequence) !== true) return
    if (this.#stored.has(`${agent} ${sequence}`)) return
    this.#world.violate(
      "a sequence advances only when what came before it is stored",
      `${agent} is asked to go on from ${sequence}`
    )
  }

  /** Core has stored results with these in them. */
  stored(message: string): void {
    const given = /"given":\s*"([^"]+)"/.exec(message.replaceAll("\\", ""))?.[1]
    if (given !== undefined) this.#stored.add(given)
  }

  #take(one: Taken, agent: string, reply: unknown): void {
    if (!Predicate.hasProperty(reply, "message") || !(reply.message instanceof Uint8Array)) return
    const { bytesMax, bytesPerSecond } = ByteAllowance.limitsDefault
    const now = this.#world.nowMillis
    one.level = Math.max(0, one.level - (now - one.atMillis) / 1_000 * bytesPerSecond) + reply.message.length
    one.atMillis = now
    one.largest = Math.max(one.largest, reply.message.length)
    const most = bytesMax + this.#limits.checks * one.largest + slackBytes
    if (one.level > most) {
      this.#world.violate(
        "an agent's answers stay within what they may hold",
        `${agent}: ${Math.round(one.level)} bytes`
      )
    }
  }
}
