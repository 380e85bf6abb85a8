/** The event writer's database: its tables on a model of a store, behind the network. */
import { Effect, Layer, Option, Result } from "effect"
import { type TableName, tables } from "../../../src/domain/events/rows/Tables.ts"
import type { EventRow } from "../../../src/domain/events/storing/Suspects.ts"
import {
  EventStore,
  EventStoreError,
  RowRejected,
  StoreTimeout,
  StoreUnavailable
} from "../../../src/services/events/EventStore.ts"
import type { Exchange } from "../../../src/services/simulation/Exchange.ts"
import { StoreModel } from "../../../src/services/simulation/StoreModel.ts"

type Request =
  | { readonly _tag: "Write"; readonly table: TableName; readonly rows: ReadonlyArray<EventRow> }
  | { readonly _tag: "Check" }

interface Answer {
  readonly inserted: number
  readonly repeated: number
  /** Of the row that the table refuses. */
  readonly refused?: number
}

export type EventsExchange = Exchange<Request, Answer>

const statementLimit = "15 seconds"

/** A row is forgotten when nothing that was sent with it can still be on its way: so long after it was stored, and a little. */
const forgottenMillis = 600_000
/** Rows of so long are forgotten together. */
const togetherMillis = 60_000

/** In one piece: a text that was put together keeps its pieces, and there are a quarter of a million of keys. */
const flat = (text: string): string => Buffer.from(text).toString()

const keyOf = (table: TableName, row: EventRow): string =>
  flat(tables[table].key.reduce((key, name) => `${key} ${String(Reflect.get(row, name))}`, ""))

const bodyOf = (row: EventRow): string => "body" in row ? `${row.body}` : ""

/** All that is kept of a row: whether the table takes it. */
type Kept = "fit" | "forbidden"

interface Together {
  readonly sinceMillis: number
  readonly keys: Map<TableName, Array<string>>
}

export class EventsDatabase {
  readonly store = new StoreModel<Kept>()
  readonly #onStored: (bodies: ReadonlyArray<string>) => void
  readonly #nowMillis: () => number
  readonly #isForbidden: (body: string) => boolean
  /** The oldest first. */
  #stored: Array<Together> = []
  lostAnswers = 0
  latencyMillis = 1

  constructor(
    nowMillis: () => number,
    isForbidden: (body: string) => boolean,
    onStored: (bodies: ReadonlyArray<string>) => void
  ) {
    this.#nowMillis = nowMillis
    this.#isForbidden = isForbidden
    this.#onStored = onStored
    this.store.rule("logs", (row) => row === "fit")
  }

  readonly handle = (request: Request): Effect.Effect<Answer, "lost"> =>
    Effect.flatMap(Effect.sleep(this.latencyMillis), () => {
      if (request._tag === "Check") return Effect.succeed({ inserted: 0, repeated: 0 })
      const { rows, table } = request
      const writes = rows.map((row) => ({
        table,
        key: keyOf(table, row),
        row: this.#isForbidden(bodyOf(row)) ? "forbidden" as const : "fit" as const,
        onConflict: "nothing" as const
      }))
      const written = this.store.transact(writes)
      if (Result.isFailure(written)) {
        return Effect.succeed({ inserted: 0, repeated: 0, refused: written.failure.position })
      }
      const { fresh, inserted, repeated } = written.success
      const keys: Array<string> = []
      const bodies: Array<string> = []
      for (const position of fresh) {
        const [row, write] = [rows[position], writes[position]]
        if (row === undefined || write === undefined) continue
        keys.push(write.key)
        bodies.push(bodyOf(row))
      }
      this.#remember(table, keys)
      this.#onStored(bodies)
      if (this.lostAnswers === 0) return Effect.succeed({ inserted, repeated })
      this.lostAnswers -= 1
      return Effect.fail("lost" as const)
    })

  #remember(table: TableName, keys: ReadonlyArray<string>): void {
    const now = this.#nowMillis()
    let latest = this.#stored.at(-1)
    if (latest === undefined || now - latest.sinceMillis >= togetherMillis) {
      latest = { sinceMillis: now, keys: new Map() }
      this.#stored.push(latest)
      this.#forget(now - forgottenMillis - togetherMillis)
    }
    const known = latest.keys.get(table) ?? []
    latest.keys.set(table, known)
    for (const key of keys) known.push(key)
  }

  #forget(beforeMillis: number): void {
    const gone = this.#stored.filter(({ sinceMillis }) => sinceMillis < beforeMillis)
    this.#stored = this.#stored.slice(gone.length)
    for (const { keys } of gone) {
      for (const [table, some] of keys) for (const key of some) this.store.forget(table, key)
    }
  }
}

const failed = (operation: string, reason: EventStoreError["reason"]) => new EventStoreError({ operation, reason })

export const connect = (exchange: EventsExchange, host: string) =>
  Effect.map(exchange.client(host), (client) => ({
    probe: Effect.asVoid(Effect.mapError(client.ask({ _tag: "Check" }), ({ detail }) => ({ message: detail }))),
    store: Layer.succeed(EventStore, {
      write: (table, rows) =>
        client.ask({ _tag: "Write", table, rows }, rows.length * 200).pipe(
          Effect.mapError(({ detail }) => failed(table, new StoreUnavailable({ code: "08006", detail }))),
          Effect.timeoutOrElse({
            duration: statementLimit,
            orElse: () =>
              Effect.fail(
                failed(table, new StoreTimeout({ rows: rows.length, detail: `longer than ${statementLimit}` }))
              )
          }),
          Effect.flatMap(({ inserted, refused, repeated }) =>
            refused === undefined ? Effect.succeed({ inserted, repeated }) : Effect.fail(
              failed(
                table,
                new RowRejected({
                  code: "23514",
                  column: Option.none(),
                  constraint: Option.some("rule"),
                  detail: "violates check constraint",
                  suspects: [refused]
                })
              )
            )
          )
        )
    })
  }))
