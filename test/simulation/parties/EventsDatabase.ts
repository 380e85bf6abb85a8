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

const keyOf = (table: TableName, row: EventRow): string => {
  const columns = new Map<string, unknown>(Object.entries(row))
  return tables[table].key.map((name) => String(columns.get(name))).join(" ")
}

const bodyOf = (row: EventRow): string => "body" in row ? `${row.body}` : ""

export class EventsDatabase {
  readonly store = new StoreModel<string>()
  readonly #onStored: (bodies: ReadonlyArray<string>) => void
  lostAnswers = 0
  latencyMillis = 1

  constructor(onStored: (bodies: ReadonlyArray<string>) => void) {
    this.#onStored = onStored
  }

  readonly handle = (request: Request): Effect.Effect<Answer, "lost"> =>
    Effect.flatMap(Effect.sleep(this.latencyMillis), () => {
      if (request._tag === "Check") return Effect.succeed({ inserted: 0, repeated: 0 })
      const { rows, table } = request
      const fresh = rows.filter((row) => this.store.get(table, keyOf(table, row)) === undefined)
      const written = this.store.transact(
        rows.map((row) => ({ table, key: keyOf(table, row), row: bodyOf(row), onConflict: "nothing" }))
      )
      if (Result.isFailure(written)) {
        return Effect.succeed({ inserted: 0, repeated: 0, refused: written.failure.position })
      }
      this.#onStored(fresh.map(bodyOf))
      if (this.lostAnswers === 0) return Effect.succeed(written.success)
      this.lostAnswers -= 1
      return Effect.fail("lost" as const)
    })
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
