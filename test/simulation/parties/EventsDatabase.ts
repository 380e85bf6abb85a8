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

/** A row is forgotten when nothing that was sent with it can still be on its way, after once or twice this time. */
const forgottenMillis = 600_000

const keyOf = (table: TableName, row: EventRow): string =>
  tables[table].key.reduce((key, name) => `${key} ${String(Reflect.get(row, name))}`, "")

const bodyOf = (row: EventRow): string => "body" in row ? `${row.body}` : ""

export class EventsDatabase {
  readonly store = new StoreModel<string>()
  readonly #onStored: (bodies: ReadonlyArray<string>) => void
  readonly #nowMillis: () => number
  #recent = new Map<TableName, Array<string>>()
  #older: ReadonlyMap<TableName, ReadonlyArray<string>> = new Map()
  #turnedMillis = 0
  lostAnswers = 0
  latencyMillis = 1

  constructor(nowMillis: () => number, onStored: (bodies: ReadonlyArray<string>) => void) {
    this.#nowMillis = nowMillis
    this.#onStored = onStored
  }

  readonly handle = (request: Request): Effect.Effect<Answer, "lost"> =>
    Effect.flatMap(Effect.sleep(this.latencyMillis), () => {
      if (request._tag === "Check") return Effect.succeed({ inserted: 0, repeated: 0 })
      const { rows, table } = request
      const writes = rows.map((row) => ({
        table,
        key: keyOf(table, row),
        row: bodyOf(row),
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
        const write = writes[position]
        if (write === undefined) continue
        keys.push(write.key)
        bodies.push(write.row)
      }
      this.#remember(table, keys)
      this.#onStored(bodies)
      if (this.lostAnswers === 0) return Effect.succeed({ inserted, repeated })
      this.lostAnswers -= 1
      return Effect.fail("lost" as const)
    })

  #remember(table: TableName, keys: ReadonlyArray<string>): void {
    const recent = this.#recent.get(table) ?? []
    this.#recent.set(table, recent)
    for (const key of keys) recent.push(key)
    if (this.#nowMillis() - this.#turnedMillis < forgottenMillis) return
    for (const [older, gone] of this.#older) {
      for (const key of gone) this.store.forget(older, key)
    }
    this.#older = this.#recent
    this.#recent = new Map()
    this.#turnedMillis = this.#nowMillis()
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
