/**
 * Pulls from all durables of a logical stream as if they were one, never for more than is wanted.
 *
 * Durables that had messages last time share what is wanted; those that had none wait for a few at a time, so that a quiet
 * one does not keep room from a busy one. What comes after nobody waits any more is kept for the next pull.
 */
import type { NatsConnection } from "@nats-io/transport-node"
import { Duration } from "effect"
import * as DurablePull from "./DurablePull.ts"
import { deliver, type JetStreamDelivery } from "./JetStreamMessage.ts"

export interface PullGroupOptions {
  readonly nc: NatsConnection
  readonly durables: ReadonlyArray<{ readonly subject: string; readonly batchMax: number }>
  readonly isForeign: (subject: string) => boolean
  readonly ackWaitMillis: number
  readonly now: () => number
}

/** What a durable without messages waits for. */
const idleBatchMax = 16

export class PullGroup {
  /** Why nothing comes any more; empty while it does. */
  failure = ""
  readonly #options: PullGroupOptions
  readonly #durables: ReadonlyArray<DurablePull.DurablePull>
  #kept: Array<JetStreamDelivery> = []
  #keptSinceMillis = 0
  #isClosing = false
  #waiter: { readonly demand: number; readonly wake: () => void } | undefined

  constructor(options: PullGroupOptions) {
    this.#options = options
    const { nc, now } = options
    this.#durables = options.durables.map((durable) =>
      new DurablePull.DurablePull({
        ...durable,
        nc,
        now,
        onMessage: (msg) => {
          const delivery = deliver(msg, options.isForeign)
          if (delivery === undefined) return
          if (this.#isClosing) return delivery.nak(Duration.zero)
          if (this.#kept.length === 0) this.#keptSinceMillis = now()
          this.#kept.push(delivery)
        },
        onEnd: () => this.#wake(),
        onFailure: (detail) => {
          if (this.failure === "") this.failure = detail
          this.#wake()
        }
      })
    )
  }

  /** Asks for what is not on its way yet. */
  ask(demand: number, bytesMax: number): void {
    this.#dropStale()
    if (this.failure !== "") return
    const ready = this.#durables.filter((durable) => durable.canAsk)
    const hungry = ready.filter((durable) => durable.isHungry)
    const idleBatch = Math.max(1, Math.min(idleBatchMax, Math.floor(demand / (2 * this.#durables.length))))
    let room = demand - this.#kept.length - this.#durables.reduce((sum, durable) => sum + durable.outstanding, 0)
    const bytes = Math.max(1, Math.floor(bytesMax / Math.max(1, ready.length)))
    // Alone, a durable needs no place for others.
    const idle = this.#durables.length === 1 ? [] : ready.filter((durable) => !durable.isHungry)
    for (const durable of idle) {
      if (room <= 0) return
      durable.ask(Math.min(room, idleBatch), bytes)
      room -= idleBatch
    }
    const busy = this.#durables.length === 1 ? ready : hungry
    const share = Math.floor(room / busy.length)
    for (const durable of busy) if (share > 0) durable.ask(share, bytes)
  }

  /** Something is open that will end by itself. */
  get isWaiting(): boolean {
    return this.#durables.some((durable) => durable.outstanding > 0)
  }

  /** Nothing is open and nothing is kept: waiting would be in vain. */
  get isIdle(): boolean {
    return !this.isWaiting && this.#kept.length === 0 && this.failure === ""
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
    if (hasSome || this.#kept.length >= waiter.demand || !this.isWaiting || this.failure !== "") {
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
