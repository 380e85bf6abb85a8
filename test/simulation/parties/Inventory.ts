/**
 * A NetBox that changes from one reading to the next, and knows what it had at each.
 *
 * It changes only when somebody begins to read it: what was served can then be told to be all of one reading, or none.
 */
import { Effect } from "effect"
import type { Seeded } from "../../../src/domain/simulation/Seeded.ts"
import * as SourceAnswer from "../../../src/layers/sync/sources/SourceAnswer.ts"
import type { SourceCarrier } from "../../../src/layers/sync/sources/SourceCarrier.ts"
import type { Exchange } from "../../../src/services/simulation/Exchange.ts"
import * as SourceErrors from "../../../src/services/sync/SourceError.ts"
import type { SourceError } from "../../../src/services/sync/SourceError.ts"

interface Request {
  readonly url: string
  /** Of the process that reads: another one begins anew. */
  readonly reader: number
}

interface Answer {
  readonly status: number
  readonly document: unknown
}

export type InventoryExchange = Exchange<Request, Answer>

/** What the inventory had when it was read. */
export interface Reading {
  readonly number: number
  /** Names by id. */
  readonly devices: ReadonlyMap<number, string>
}

/** One in so many devices has another name, is gone or is new at each reading. */
const changedOneIn = 100
/** Readings whose devices are remembered. */
const readingsMax = 200

const elementOf = ([id, name]: readonly [number, string]) => ({
  id,
  name,
  role: { name: "switch" },
  site: { name: `site ${id % 7}` },
  primary_ip4: { address: `10.${(id >> 16) & 255}.${(id >> 8) & 255}.${id & 255}/24` }
})

export class Inventory {
  readonly #random: Seeded
  readonly #devices = new Map<number, string>()
  readonly #readings = new Map<string, Reading>()
  readonly #read = new Map<number, Reading>()
  readonly #gone: Array<number> = []
  #number = 0
  #nextId = 1
  /** Told of each reading that begins. */
  onReading: () => void = () => {}
  /** Answers that it is broken. */
  breaks = false
  /** Ends its list early. */
  cuts = false

  constructor(random: Seeded, devices: number) {
    this.#random = random
    for (let count = 0; count < devices; count += 1) this.#add()
  }

  /** Which reading has exactly these devices; undefined when none has. */
  readingOf(devices: ReadonlyMap<number, string>): Reading | undefined {
    return this.#readings.get(fingerprint(devices))
  }

  get readings(): number {
    return this.#number
  }

  readonly handle = ({ reader, url }: Request): Effect.Effect<Answer> =>
    Effect.sync(() => {
      if (this.breaks) return { status: 503, document: "it is broken" }
      const { origin, pathname, searchParams } = new URL(url)
      const limit = Number(searchParams.get("limit") ?? 100)
      const offset = Number(searchParams.get("offset") ?? 0)
      const before = this.#read.get(reader)
      const reading = offset === 0 || before === undefined ? this.#begin(reader) : before
      const all = [...reading.devices]
      const end = this.cuts ? Math.floor(all.length * 0.9) : all.length
      const to = Math.min(end, offset + limit)
      return {
        status: 200,
        document: {
          count: all.length,
          next: to < end ? `${origin}${pathname}?limit=${limit}&offset=${to}` : null,
          results: all.slice(offset, to).map(elementOf)
        }
      }
    })

  #begin(reader: number): Reading {
    this.#number += 1
    if (this.#number > 1) this.#change()
    this.onReading()
    const reading = { number: this.#number, devices: new Map(this.#devices) }
    this.#read.set(reader, reading)
    this.#readings.set(fingerprint(reading.devices), reading)
    const [oldest] = this.#readings.keys()
    if (this.#readings.size > readingsMax && oldest !== undefined) this.#readings.delete(oldest)
    return reading
  }

  #change(): void {
    for (const id of Array.from(this.#devices.keys())) {
      if (!this.#random.chance(1 / changedOneIn)) continue
      if (this.#random.chance(0.5)) this.#devices.set(id, `device-${id}-${this.#number}`)
      else {
        this.#devices.delete(id)
        this.#gone.push(id)
        this.#add()
      }
    }
  }

  /** A new one, or one that was gone. */
  #add(): void {
    const back = this.#random.chance(0.4) ? this.#gone.shift() : undefined
    const id = back ?? this.#nextId++
    this.#devices.set(id, `device-${id}-${this.#number}`)
  }
}

const fingerprint = (devices: ReadonlyMap<number, string>): string => {
  let sum = 0
  let product = 1
  for (const name of devices.values()) {
    let hash = 0x811c9dc5
    for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
    sum = (sum + hash) | 0
    product = Math.imul(product, hash | 1)
  }
  return `${devices.size} ${sum} ${product}`
}

/** What the sync program asks through instead of HTTP. */
export const carrier = (exchange: InventoryExchange, host: string, reader: number) =>
  Effect.map(
    exchange.client(host),
    (client): SourceCarrier => (source, request) =>
      client.ask({ url: request.url, reader }).pipe(
        Effect.mapError(({ detail }) => SourceErrors.make(source, "connection", detail)),
        Effect.flatMap(({ document, status }): Effect.Effect<SourceAnswer.Answer, SourceError> =>
          status === 200
            ? Effect.succeed(SourceAnswer.whole(document, request))
            : Effect.fail(SourceErrors.make(source, "server_error", `status ${status}`))
        )
      )
  )
