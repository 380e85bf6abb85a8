/** Who fails is not asked again and again without a pause, whatever is the matter. */
import { Effect } from "effect"
import type { CarriedChannel, Carrier } from "../../../src/layers/grpc/carrier/GrpcCarrier.ts"
import { hostOf } from "../../../src/services/simulation/Network.ts"
import type { World } from "../../../src/services/simulation/World.ts"

const windowMillis = 10_000

interface Count {
  sinceMillis: number
  calls: number
}

/**
 * Calls of one kind that fail, from one host to another. Between retries is a quarter of a second at first, and about one in the
 * end; what is done to the world in ten seconds may begin them anew some times.
 */
export class CallPace {
  readonly #world: Pick<World, "nowMillis" | "violate">
  readonly #caller: string
  readonly #most: number
  readonly #counts = new Map<string, Count>()

  constructor(world: Pick<World, "nowMillis" | "violate">, caller: string, most: number) {
    this.#world = world
    this.#caller = caller
    this.#most = most
  }

  carrier(inner: Carrier): Carrier {
    return {
      listen: inner.listen,
      open: (options) => Effect.map(inner.open(options), (channel) => this.#paced(channel, hostOf(options.target)))
    }
  }

  #paced(channel: CarriedChannel, host: string): CarriedChannel {
    const { calls } = channel
    return {
      ...channel,
      calls: {
        ...calls,
        unary: (method) => {
          const call = calls.unary(method)
          return (...asked) => Effect.tapError(call(...asked), () => Effect.sync(() => this.failed(host, method.path)))
        }
      }
    }
  }

  failed(host: string, path: string): void {
    const key = `${host} ${path}`
    const now = this.#world.nowMillis
    const count = this.#counts.get(key)
    if (count === undefined || now - count.sinceMillis >= windowMillis) {
      this.#counts.set(key, { sinceMillis: now, calls: 1 })
      return
    }
    count.calls += 1
    if (count.calls !== this.#most + 1) return
    this.#world.violate(
      "who fails is not asked again without a pause",
      `${this.#caller} has asked ${host} ${path} in vain ${count.calls} times in ${
        ((now - count.sinceMillis) / 1_000).toFixed(1)
      } s`
    )
  }
}
