/**
 * Pulls from all durables of a logical stream as if they were one, never for more than is wanted.
 *
 * Durables that had messages last time share what is wanted; those that had none wait for a few at a time, so that a quiet
 * one does not keep room from a busy one. What comes after nobody waits any more is kept for the next pull.
 */
import type { NatsConnection } from "@nats-io/transport-node"
import { Duration, Result } from "effect"
import * as DurablePull from "./DurablePull.ts"
import { acknowledgement, deliver, isMarker, type JetStreamDelivery, type Respond } from "./JetStreamMessage.ts"

export interface PullGroupOptions {
  readonly nc: NatsConnection
  readonly durables: ReadonlyArray<
    Pick<DurablePull.DurablePullOptions, "subject" | "batchMax" | "bytesMax" | "expiresMillisMax">
  >
  readonly isForeign: (subject: string) => boolean
  readonly ackWaitMillis: number
  /** How long the server waits for the first message before it says that there is none. */
  readonly waitMillis: number
  readonly now: () => number
}

/** What a durable without messages waits for. */
const idleBatchMax = 16

export class PullGroup {
  /** Why nothing comes any more, empty when nobody says; undefined while it does. */
  failure: string | undefined
  readonly #options: PullGroupOptions
  readonly #durables: ReadonlyArray<DurablePull.DurablePull>
  #kept: Array<JetStreamDelivery> = []
  #keptSinceMillis = 0
  #isClosing = false
  #waiter: { readonly demand: number; readonly wake: () => void } | undefined

  constructor(options: PullGroupOptions) {
    this.#options = options
    const { nc, now, waitMillis } = options
    // A connection that is closing takes nothing more.
    const respond: Respond = (reply, answer) => void Result.try(() => nc.publish(reply, answer))
    this.#durables = options.durables.map((durable) =>
      new DurablePull.DurablePull({
        ...durable,
        nc,
        waitMillis,
        now,
        onMessage: (msg) => {
          if (isMarker(msg)) return respond(msg.reply ?? "", acknowledgement)
          const delivery = deliver(msg, options.isForeign, respond)
          if (delivery === undefined) return
          if (this.#isClosing) return delivery.nak(Duration.zero)
          if (this.#kept.length === 0) this.#keptSinceMillis = now()
          this.#kept.push(delivery)
        },
        onEnd: () => this.#wake(),
        onFailure: (detail) => {
          this.failure ??= detail
          this.#wake()
        }
      })
    )
  }

  /** Asks for what is not on its way yet. */
  ask(demand: number, bytesMax: number): void {
    this.#dropStale()
    if (this.failure !== undefined) return
    if (this.#kept.length >= demand) return
    const ready = this.#durables.filter((durable) => durable.canAsk)
    // Alone, a durable needs no place for others.
    const isBusy = (durable: DurablePull.DurablePull) => durable.isHungry || this.#durables.length === 1
    const busy = ready.filter(isBusy)
    const idle = ready.filter((durable) => !isBusy(durable))
    const expected = this.#kept.length + this.#durables.reduce((sum, durable) => sum + durable.outstanding, 0)
    const idleBatch = Math.max(1, Math.min(idleBatchMax, Math.floor(demand / (2 * this.#durables.length))))
    // At least one, for whoever is not asked at all could wait for ever.
    const share = Math.max(1, Math.floor((demand - expected - idle.length * idleBatch) / busy.length))
    const bytes = Math.max(1, Math.floor(bytesMax / ready.length))
    for (const durable of idle) durable.ask(idleBatch, bytes)
    for (const durable of busy) durable.ask(share, bytes)
  }

  /** Something is open that will end by itself. */
  get isWaiting(): boolean {
    return this.#durables.some((durable) => durable.outstanding > 0)
  }

  /** Some of the last requests were not stopped by the end of a stream. */
  get hasMore(): boolean {
    return this.#durables.some((durable) => durable.isHungry)
  }

  /** Nothing is open and nothing is kept: waiting would be in vain. */
  get isIdle(): boolean {
    return !this.isWaiting && this.#kept.length === 0 && this.failure === undefined
  }

  /** Calls `wake` once, when a pull of `demand` messages can go on; at once when it can now. */
  wait(demand: number, wake: () => void): void {
    this.#waiter = { demand, wake }
    this.#wake()
  }

  forget(): void {
    this.#waiter = undefined
  }

  take(demand: number): ReadonlyArray<JetStreamDelivery> {
    if (this.#kept.length <= demand) {
      const all = this.#kept
      this.#kept = []
      return all
    }
    return this.#kept.splice(0, demand)
  }

  /** Nothing that is fetched could be settled: it would come again for ever. */
  refuse(detail: string): void {
    this.failure ??= detail
    this.#wake()
  }

  /** Gives back what nobody took. */
  close(): Promise<unknown> {
    this.#isClosing = true
    for (const delivery of this.#kept) delivery.nak(Duration.zero)
    this.#kept = []
    return Promise.allSettled(this.#durables.map((durable) => durable.close()))
  }

  #wake(): void {
    const waiter = this.#waiter
    if (waiter === undefined) return
    const isFlowing = this.#durables.some((durable) => durable.isFlowing)
    const hasSome = this.#kept.length > 0 && !isFlowing
    if (hasSome || this.#kept.length >= waiter.demand || !this.isWaiting || this.failure !== undefined) {
      this.#waiter = undefined
      waiter.wake()
    }
  }

  /** What was kept too long has been given to somebody else, or is about to be; what was kept long gets more time. */
  #dropStale(): void {
    if (this.#kept.length === 0) return
    const age = this.#options.now() - this.#keptSinceMillis
    if (age > this.#options.ackWaitMillis * 0.8) this.#kept = []
    else if (age > this.#options.ackWaitMillis * 0.2) {
      for (const delivery of this.#kept) delivery.extend()
      this.#keptSinceMillis = this.#options.now()
    }
  }
}
