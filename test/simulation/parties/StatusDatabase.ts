/** Core's database: the status store's rules on a model of a store, behind the network. */
import { DateTime, Effect, Layer, Result } from "effect"
import { hash } from "node:crypto"
import type { PollerTurn } from "../../../src/domain/core/PollerTurn.ts"
import type { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { AvailabilityChange } from "../../../src/domain/monitoring/reports/AvailabilityChange.ts"
import type { Remembered } from "../../../src/domain/monitoring/reports/PollerPresence.ts"
import type { ReportedStatus, StatusReport } from "../../../src/domain/monitoring/reports/StatusReport.ts"
import {
  type Appended,
  StatusStore,
  StatusStoreError,
  StoreUnavailable
} from "../../../src/services/core/StatusStore.ts"
import type { Client, Exchange } from "../../../src/services/simulation/Exchange.ts"
import { StoreModel } from "../../../src/services/simulation/StoreModel.ts"

interface StateRow extends ReportedStatus {
  readonly _tag: "Status"
  readonly pollerId: PollerId
  readonly reportedAtMillis: number
  readonly order: number
}

type PollerRow = Remembered & { readonly _tag: "Poller" }

/** All that is kept of a status in the history is that it is there: nobody of a world reads a hundred thousand documents. */
const past = { _tag: "Past" } as const

export type StatusRow = StateRow | PollerRow | typeof past

type Request =
  | { readonly _tag: "Append"; readonly report: StatusReport; readonly receivedAtMillis: number }
  | { readonly _tag: "Pollers" }
  | { readonly _tag: "Missed" | "Told"; readonly turn: PollerTurn }
  | { readonly _tag: "Untold" }
  | { readonly _tag: "Check" }

interface Answer {
  readonly appended?: Appended
  readonly pollers?: ReadonlyArray<Remembered>
  readonly untold?: ReadonlyArray<PollerTurn>
}

export type StatusExchange = Exchange<Request, Answer>

export interface StatusDatabaseEvents {
  /** A report, also an empty one. */
  readonly onReport: (pollerId: PollerId) => void
  /** That a poller is missed is known from now on, whatever becomes of core. */
  readonly onMissed: (pollerId: PollerId) => void
  /** A status that is new in the history, in the order of the commits. */
  readonly onStored: (status: ReportedStatus, pollerId: PollerId) => void
}

/** Of a document so much is kept; a world is about others. */
const keptMax = 1_024

const shortened = (text: string): string => text.length <= keptMax ? text : `${text.slice(0, keptMax)}… ${text.length}`

const digest = (text: string): string => hash("md5", text, "base64")

export class StatusDatabase {
  readonly store = new StoreModel<StatusRow>()
  readonly #events: StatusDatabaseEvents
  /** At most a loss and a return of each poller. */
  readonly #untold = new Map<string, PollerTurn>()
  #order = 0
  /** The next so many answers to a write are lost after the commit. */
  lostAnswers = 0
  latencyMillis = 1

  constructor(events: StatusDatabaseEvents) {
    this.#events = events
  }

  readonly handle = (request: Request): Effect.Effect<Answer, "lost"> =>
    Effect.flatMap(Effect.sleep(this.latencyMillis), () => {
      const answer = this.#answer(request)
      if (request._tag !== "Append" || this.lostAnswers === 0) return Effect.succeed(answer)
      this.lostAnswers -= 1
      return Effect.fail("lost" as const)
    })

  #answer(request: Request): Answer {
    switch (request._tag) {
      case "Check":
        return {}
      case "Pollers":
        return { pollers: [...this.store.rows("pollers")].map(([, row]) => row).filter((row) => row._tag === "Poller") }
      case "Missed": {
        const known = this.store.get("pollers", request.turn.pollerId)
        if (known?._tag !== "Poller") return {}
        this.#note({ ...known, isMissed: true })
        this.#owe(request.turn)
        this.#events.onMissed(known.pollerId)
        return {}
      }
      case "Told": {
        const owed = this.#untold.get(nameOf(request.turn))
        if (owed !== undefined && owed.atMillis <= request.turn.atMillis) this.#untold.delete(nameOf(owed))
        return {}
      }
      case "Untold":
        return { untold: [...this.#untold.values()].toSorted((one, other) => one.atMillis - other.atMillis) }
      case "Append":
        return { appended: this.#append(request.report, request.receivedAtMillis) }
    }
  }

  #owe(turn: PollerTurn): void {
    this.#untold.set(nameOf(turn), turn)
  }

  #note(row: PollerRow): void {
    this.store.transact([{ table: "pollers", key: row.pollerId, row, onConflict: "replace" }])
  }

  #append(report: StatusReport, receivedAtMillis: number): Appended {
    const { partition, pollerId, sourceIp } = report
    const known = this.store.get("pollers", pollerId)
    const wasMissed = known?._tag === "Poller" ? known.isMissed : undefined
    const reportedAtMillis = DateTime.toEpochMillis(report.reportedAt)
    let stored = 0
    const changes: Array<AvailabilityChange> = []
    const poller: PollerRow = {
      _tag: "Poller",
      pollerId,
      partition,
      sourceIp,
      atMillis: receivedAtMillis,
      isMissed: false,
      ...(report.intervalMillis === undefined ? {} : { intervalMillis: report.intervalMillis })
    }
    this.#note(poller)
    if (known?._tag === "Poller" && known.isMissed) {
      const silenceMillis = receivedAtMillis - known.atMillis
      this.#owe({ pollerId, isMissed: false, atMillis: receivedAtMillis, silenceMillis })
    }
    this.#events.onReport(pollerId)
    for (const status of report.statuses) {
      const service = `${status.partition}/${status.agentId}/${status.serviceType}/${status.serviceName}`
      const message = shortened(status.message)
      const content = `${status.available} ${status.responseTimeNanos} ${status.source} ${message}`
      const row: StateRow = { ...status, message, _tag: "Status", pollerId, reportedAtMillis, order: this.#order++ }
      const key = digest(`${service} ${pollerId} ${DateTime.toEpochMillis(report.recordedAt)} ${content}`)
      const added = this.store.transact([{ table: "history", key, row: past, onConflict: "nothing" }])
      if (Result.isFailure(added) || added.success.inserted === 0) continue
      stored += 1
      this.#events.onStored(status, pollerId)
      const state = this.store.get("state", service)
      if (state?._tag === "Status" && state.reportedAtMillis > reportedAtMillis) continue
      const previous = state?._tag === "Status" ? state.available : undefined
      this.store.transact([{ table: "state", key: service, row, onConflict: "replace" }])
      if (previous === status.available) continue
      changes.push({
        ...status,
        pollerId,
        sourceIp,
        previous,
        reportedAt: report.reportedAt,
        document: status.message
      })
    }
    return {
      stored,
      repeated: report.statuses.length - stored,
      changes,
      ...(wasMissed === undefined ? {} : { poller: { isMissed: wasMissed } })
    }
  }
}

const nameOf = ({ isMissed, pollerId }: PollerTurn): string => `${pollerId} ${isMissed}`

const failed = (operation: string) => (error: { readonly detail: string }) =>
  new StatusStoreError({ operation, reason: new StoreUnavailable({ detail: error.detail }) })

/** As much as a report of its size has on the wire. */
const bytesOf = (report: StatusReport): number => 200 + report.statuses.length * 200

export const layer = (exchange: StatusExchange, host: string): Layer.Layer<StatusStore> =>
  Layer.effect(
    StatusStore,
    Effect.map(exchange.client(host), (client: Client<Request, Answer>) =>
      StatusStore.of({
        append: (report, receivedAt) =>
          client.ask({ _tag: "Append", report, receivedAtMillis: DateTime.toEpochMillis(receivedAt) }, bytesOf(report))
            .pipe(
              Effect.mapError(failed("append")),
              Effect.flatMap(({ appended }) =>
                appended === undefined
                  ? Effect.fail(failed("append")({ detail: "the answer is to another question" }))
                  : Effect.succeed(appended)
              )
            ),
        pollers: Effect.mapBoth(client.ask({ _tag: "Pollers" }), {
          onFailure: failed("pollers"),
          onSuccess: ({ pollers = [] }) => pollers
        }),
        noteMissed: (turn) => Effect.asVoid(Effect.mapError(client.ask({ _tag: "Missed", turn }), failed("missed"))),
        noteTold: (turn) => Effect.asVoid(Effect.mapError(client.ask({ _tag: "Told", turn }), failed("told"))),
        untold: Effect.mapBoth(client.ask({ _tag: "Untold" }), {
          onFailure: failed("untold"),
          onSuccess: ({ untold = [] }) => untold
        }),
        current: () => Effect.as(Effect.mapError(client.ask({ _tag: "Check" }), failed("current")), []),
        removeOlderThan: () => Effect.as(Effect.mapError(client.ask({ _tag: "Check" }), failed("remove")), 0)
      }))
  )
