/**
 * What others see of a supervisor: events, metrics and an operator's log lines. Nothing here can fail a supervisor: a
 * broken logger costs its line, a slow subscriber its oldest events.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Shutdown from "../../../domain/supervision/Shutdown.ts"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { Note, SupervisorEnd } from "../../../domain/supervision/SupervisorState.ts"
import { SupervisionTree } from "../SupervisionTree.ts"
import { monotonicMillis, type Owner } from "./child/ChildOwner.ts"
import { ChildPosition } from "./child/ChildPosition.ts"
import type { ChildRecord } from "./child/ChildRecord.ts"
import { type EventSinks, make as makeSinks } from "./EventSinks.ts"
import * as ExitReason from "./ExitReason.ts"
import { make as makeMetrics, type SupervisionMetrics } from "./SupervisionMetrics.ts"

type Child = ChildRecord<unknown>
type Seen = Child | undefined

export class SupervisorObserver implements Owner<Child> {
  readonly path: string
  readonly clock: Clock.Clock
  readonly sinks: EventSinks<SupervisionEvent> = makeSinks()
  readonly position: ChildPosition | undefined
  readonly fork: Owner<Child>["fork"]
  readonly lent: Owner<Child>["lent"] = new Map()
  awaited: ChildPosition | undefined = undefined
  private readonly metrics: SupervisionMetrics
  private readonly above: ((event: SupervisionEvent) => void) | undefined
  private running = 0

  constructor(
    { id, metricsName = id }: { readonly id: string; readonly metricsName?: string | undefined },
    clock: Clock.Clock,
    context: Context.Context<never>
  ) {
    const parent = Context.get(context, ChildPosition)
    const tree = Context.getOrUndefined(context, SupervisionTree)
    this.path = parent === undefined ? id : parent.isSupervisor ? parent.path : `${parent.path}/${id}`
    this.position = parent
    this.fork = Effect.runForkWith(context)
    this.clock = clock
    this.metrics = makeMetrics(metricsName, context)
    this.above = parent === undefined ? tree?.publish : (event) => parent.publish(event)
  }

  publish(event: SupervisionEvent): void {
    this.sinks.publish(event)
    this.above?.(event)
  }

  /** Publishes and counts what the decision noted. Returns the log line of what an operator should know. */
  note(note: Note, record: Seen): Effect.Effect<undefined> | undefined {
    const message = record?.lastExit?.message ?? ""
    const base = { path: this.path, at: this.clock.currentTimeMillisUnsafe() }
    switch (note._tag) {
      case "SupervisorStarted":
        this.publish({ _tag: note._tag, ...base })
        return undefined
      case "ChildAdded":
        this.publish({
          _tag: note._tag,
          ...base,
          child: note.child.id,
          kind: note.child.kind,
          restart: note.child.restart
        })
        return undefined
      case "ChildStarted":
        this.started(record)
        this.publish({ _tag: note._tag, ...base, child: note.id })
        return undefined
      case "ChildExited":
        this.stopped(record)
        if (record !== undefined) record.brokeAtMillis = monotonicMillis(this.clock)
        this.publish({ _tag: note._tag, ...base, child: note.id, exit: note.exit, message })
        return note.isReported ? this.log(`${note.id} ended (${note.exit})`, message) : undefined
      case "ChildStartFailed":
        this.publish({ _tag: note._tag, ...base, child: note.id, message })
        return this.log(`${note.id} did not start`, message)
      case "ChildRestarting":
        this.metrics.restarted()
        if (record !== undefined) record.restartsTotal += 1
        this.publish({ _tag: note._tag, ...base, child: note.id, attempts: note.attempts })
        return undefined
      case "ChildStopped":
        return this.noteStopped(note.id, record)
      default:
        this.publish({ _tag: note._tag, ...base, child: note.id })
        return undefined
    }
  }

  private noteStopped(id: string, record: Seen): Effect.Effect<undefined> | undefined {
    const last = record?.lastExit
    this.publishStopped(id, record)
    return last !== undefined && last.reason !== "abandoned" && record?.isUnexpected === true
      ? this.log(`${id} stopped (${last.reason})`, last.message)
      : undefined
  }

  /** Says that a child was stopped; one that was left behind has been told of already. */
  publishStopped(id: string, record: Seen): void {
    const last = record?.lastExit
    this.stopped(record)
    if (record !== undefined) record.brokeAtMillis = undefined
    if (last === undefined || last.reason === "abandoned") return
    const { at, message, reason } = last
    this.publish({ _tag: "ChildStopped", path: this.path, at, child: id, exit: reason, message })
  }

  /** A child was left behind. */
  abandoned(record: Child): Effect.Effect<undefined> {
    const limitMillis = this.publishAbandoned(record)
    return this.log(`${record.id} left behind`, `did not end within ${limitMillis} ms`)
  }

  /** Nobody waits for this end any more, but an operator who was told of the abandonment wants to know. */
  strayEnded(record: Child, exit: Exit.Exit<unknown, unknown>): void {
    const reason = ExitReason.classify(exit, true)
    this.fork(this.log(`${record.id} ended after it had been left behind (${reason})`, ""))
  }

  /** Returns the limit that was not kept. */
  publishAbandoned(record: Child): number {
    const limitMillis = Shutdown.limitMillis(record.bound.description.shutdown)
    const at = this.clock.currentTimeMillisUnsafe()
    this.publish({ _tag: "ChildAbandoned", path: this.path, at, child: record.id, limitMillis })
    return limitMillis
  }

  /** Many children were stopped at once: one line for each way in which some ended that was not asked for. */
  stoppedTogether(records: ReadonlyArray<Child>): Effect.Effect<void> {
    const counts = new Map<string, number>()
    for (const record of records) {
      const last = record.lastExit
      if (last === undefined || !(last.reason === "abandoned" || record.isUnexpected)) continue
      const line = `children stopped (${last.reason}): ${last.message}`
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
    return Effect.forEach(counts, ([line, count]) => this.log(`${count} ${line}`, ""), { discard: true })
  }

  closed(end: SupervisorEnd | undefined): Effect.Effect<void> {
    this.metrics.ended()
    const at = this.clock.currentTimeMillisUnsafe()
    this.publish({ _tag: "SupervisorEnded", path: this.path, at, reason: end?._tag ?? "stopped" })
    // A failed start has its line already, and its error goes to whoever asked for the start.
    return end?._tag === "intensity_exceeded"
      ? this.log(`supervisor ended (${end._tag})`, end.child)
      : Effect.void
  }

  private started(record: Seen): void {
    if (record === undefined) return
    record.isCounted = true
    this.metrics.running(++this.running)
    if (record.brokeAtMillis !== undefined) {
      this.metrics.recovered((monotonicMillis(this.clock) - record.brokeAtMillis) / 1000)
      record.brokeAtMillis = undefined
    }
  }

  private stopped(record: Seen): void {
    if (record?.isCounted !== true) return
    record.isCounted = false
    this.metrics.running(--this.running)
  }

  private log(what: string, message: string): Effect.Effect<undefined> {
    const line = message === "" ? what : `${what}: ${message}`
    return Effect.logWarning(line).pipe(
      Effect.annotateLogs({ supervisor: this.path }),
      Effect.ignoreCause,
      Effect.as(undefined)
    )
  }
}
