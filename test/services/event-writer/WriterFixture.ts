/**
 * A stream's writer with its collaborators in memory: a source that redelivers as JetStream does, a store that can be
 * away, slow or picky, and dead letters that can be refused. Everything that happens is in one journal, in order.
 */
import { Duration, Effect, Layer, Option } from "effect"
import type { StreamSettings } from "../../../src/domain/events/settings/EventWriterSettings.ts"
import type { DeadLetter } from "../../../src/domain/events/stream/DeadLetter.ts"
import * as Decoding from "../../../src/layers/events/decode/EventDecoder.ts"
import { DatabaseHealth } from "../../../src/services/event-writer/DatabaseHealth.ts"
import { StoreTurns } from "../../../src/services/event-writer/StoreTurns.ts"
import { StreamRecords } from "../../../src/services/event-writer/StreamRecords.ts"
import { DeadLetterError, DeadLetters } from "../../../src/services/events/DeadLetters.ts"
import { EventDecoder } from "../../../src/services/events/EventDecoder.ts"
import {
  type Delivery,
  EventSource,
  EventSourceError,
  SourceReplaced,
  SourceUnavailable
} from "../../../src/services/events/EventSource.ts"
import {
  EventStore,
  EventStoreError,
  RowRejected,
  StoreTimeout,
  StoreUnavailable,
  TableUnusable
} from "../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../src/services/events/EventTables.ts"

export const settings: StreamSettings = {
  stream: "LOGS",
  batchSize: 10,
  batchTimeout: Duration.millis(100),
  concurrency: 1,
  bytesMax: 1_000_000,
  deliveriesMax: 4
}

const encoder = new TextEncoder()

interface Waiting {
  readonly sequence: number
  readonly text: string
  readonly isForeign: boolean
  deliveries: number
  readyMillis: number
}

export class World {
  /** `ack 1`, `nak 2 1000`, `term 3`, `extend 4`, `stored 1`, `letter 3 decode`, `letter 3 decode 0 {}`, `pull`. */
  readonly journal: Array<string> = []
  readonly stored = new Map<number, number>()
  readonly letters: Array<Pick<DeadLetter, "failure" | "deliveries" | "subject">> = []
  readonly waiting: Array<Waiting> = []
  database: "up" | "away" | "hangs" | "refuses" | "has no table" = "up"
  probe: "fine" | "fails" = "fine"
  lettersAreRefused = false
  sourceIsAway = false
  /** The next pull fails because another connection has taken the place of its own. */
  sourceIsReplaced = false
  streamIsMissing = false
  subscriptions = 0
  statementSizes: Array<number> = []
  decoded = 0
  /** How many messages had been decoded when each statement began. */
  decodedBefore: Array<number> = []
  #nextSequence = 1

  publish(text: string, options: { readonly isForeign?: boolean; readonly deliveries?: number } = {}): number {
    const sequence = this.#nextSequence++
    const { deliveries = 0, isForeign = false } = options
    this.waiting.push({ sequence, text, isForeign, deliveries, readyMillis: 0 })
    return sequence
  }

  publishLogs(count: number): void {
    for (let at = 0; at < count; at++) this.publish(JSON.stringify({ body: `line ${at}` }))
  }

  entries(word: string): ReadonlyArray<string> {
    return this.journal.filter((entry) => entry.startsWith(`${word} `))
  }

  take(demand: number, bytesMax: number, nowMillis: number): ReadonlyArray<Delivery> {
    const taken: Array<Delivery> = []
    let bytes = 0
    for (let at = 0; at < this.waiting.length && taken.length < demand;) {
      const next = this.waiting[at]
      if (next === undefined || next.readyMillis > nowMillis) at += 1
      else if (taken.length > 0 && bytes + next.text.length > bytesMax) break
      else {
        bytes += next.text.length
        this.waiting.splice(at, 1)
        taken.push(this.#deliver({ ...next, deliveries: next.deliveries + 1 }, nowMillis))
      }
    }
    return taken
  }

  #deliver(entry: Waiting, nowMillis: number): Delivery {
    const { sequence } = entry
    return {
      message: {
        subject: "logs.app",
        data: encoder.encode(entry.text),
        headers: new Map(),
        stream: "LOGS",
        sequence,
        storedAtMicros: sequence
      },
      deliveries: entry.deliveries,
      isForeign: entry.isForeign,
      ack: () => void this.journal.push(`ack ${sequence}`),
      nak: (delay) => {
        this.journal.push(`nak ${sequence} ${Duration.toMillis(delay)}`)
        this.waiting.push({ ...entry, readyMillis: nowMillis + Duration.toMillis(delay) })
      },
      term: () => void this.journal.push(`term ${sequence}`),
      extend: () => void this.journal.push(`extend ${sequence}`)
    }
  }
}

const sourceLayer = (world: World) =>
  Layer.succeed(EventSource, {
    subscribe: (stream) =>
      Effect.suspend(() => {
        world.subscriptions += 1
        const unavailable = (detail: string) =>
          new EventSourceError({ stream, reason: new SourceUnavailable({ detail }) })
        if (world.streamIsMissing) return Effect.fail(unavailable("no such stream"))
        const away = unavailable("no servers")
        return Effect.succeed({
          ackWait: Duration.seconds(30),
          pull: (demand: number, bytesMax: number) =>
            Effect.clockWith((clock) => {
              if (world.sourceIsAway) return Effect.fail(away)
              if (world.sourceIsReplaced) {
                world.sourceIsReplaced = false
                return Effect.fail(new EventSourceError({ stream, reason: new SourceReplaced({ detail: "replaced" }) }))
              }
              world.journal.push(`pull ${demand}`)
              const taken = world.take(demand, bytesMax, clock.currentTimeMillisUnsafe())
              return taken.length > 0 ? Effect.succeed(taken) : Effect.as(Effect.sleep("50 millis"), taken)
            })
        })
      }),
    lag: () => Effect.succeed({ pending: world.waiting.length, ackPending: 0, oldestMillis: undefined })
  })

const failure = (reason: EventStoreError["reason"]) => new EventStoreError({ operation: "logs", reason })

const storeLayer = (world: World) =>
  Layer.succeed(EventStore, {
    write: (_, rows) =>
      Effect.suspend(() => {
        world.statementSizes.push(rows.length)
        world.decodedBefore.push(world.decoded)
        switch (world.database) {
          case "away":
            return Effect.fail(failure(new StoreUnavailable({ code: "57P01", detail: "terminating" })))
          case "refuses":
            return Effect.fail(failure(new StoreUnavailable({ code: "25006", detail: "read-only" })))
          case "has no table":
            return Effect.fail(failure(new TableUnusable({ code: "42P01", detail: "relation does not exist" })))
          case "hangs":
            return Effect.andThen(
              Effect.sleep("1 second"),
              Effect.fail(failure(new StoreTimeout({ rows: rows.length, detail: "longer than 1s" })))
            )
          case "up": {
            const suspects = rows.flatMap((row, at) => JSON.stringify(row).includes("forbidden") ? [at] : [])
            if (suspects.length > 0) {
              return Effect.fail(failure(
                new RowRejected({
                  code: "23514",
                  column: Option.some("body"),
                  constraint: Option.none(),
                  detail: "violates check",
                  suspects: []
                })
              ))
            }
            for (const _ of rows) world.journal.push("stored 1")
            return Effect.succeed({ inserted: rows.length, repeated: 0 })
          }
        }
      })
  })

const lettersLayer = (world: World) =>
  Layer.mock(DeadLetters, {
    add: ({ deliveries, failure, message, part }) =>
      Effect.suspend(() => {
        if (world.lettersAreRefused) {
          return Effect.fail(new DeadLetterError({ operation: "add", detail: "no room", isMissing: false }))
        }
        const element = part === undefined ? "" : ` ${part.element} ${new TextDecoder().decode(part.data)}`
        world.journal.push(`letter ${message.sequence} ${failure.reason}${element}`)
        world.letters.push({ failure, deliveries, subject: message.subject })
        return Effect.void
      })
  })

const decoderLayer = (world: World) => {
  const decode = Decoding.make({ tenantDefault: "acme" })
  return Layer.succeed(EventDecoder, {
    decode: (message) => {
      world.decoded += 1
      return decode(message)
    }
  })
}

const healthLayer = (world: World) =>
  DatabaseHealth.layer(
    Effect.suspend(() => world.probe === "fine" ? Effect.void : Effect.fail({ message: "refused" }))
  )

/** Whose lives are somebody else's to keep. */
export const collaborators = (world: World) =>
  Layer.mergeAll(
    sourceLayer(world),
    storeLayer(world),
    lettersLayer(world),
    healthLayer(world),
    StreamRecords.layer,
    StoreTurns.layer(),
    decoderLayer(world),
    Layer.mock(EventTables, {
      prepare: Effect.void,
      maintain: Effect.succeed({ created: 0, dropped: 0, removedRows: 0, postponed: 0 }),
      disturbed: Effect.void,
      awaitDisturbed: Effect.never,
      ready: Effect.void
    })
  )

export const layer = (world: World) =>
  Layer.effectDiscard(DatabaseHealth.use((health) => Effect.forkScoped(health.keep))).pipe(
    Layer.provideMerge(collaborators(world))
  )
