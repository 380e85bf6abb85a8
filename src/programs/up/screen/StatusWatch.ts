/**
 * What `up` says about statuses while it runs: rows of a live table, JSON lines, or log lines.
 *
 * The table asks core once a second, the lines every two, which is as often as there is something new. While core does not answer, they keep what they know; the supervision tree tells
 * what is wrong.
 */
import { Clock, Console, DateTime, Effect, type Option, Ref, Schedule } from "effect"
import type { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"
import type { PollerConfig } from "../../../domain/poller/PollerConfig.ts"
import type { LogEntry } from "../../../layers/telemetry/Logging.ts"
import * as Screen from "../../../layers/terminal/Screen.ts"
import type { Style } from "../../../layers/terminal/Style.ts"
import type { StreamStatus } from "../../../services/events/StreamStatus.ts"
import { SupervisionTree } from "../../../services/supervision/SupervisionTree.ts"
import * as Freshness from "./Freshness.ts"
import type { Inventory } from "./Inventory.ts"
import * as LiveView from "./LiveView.ts"
import * as StatusChanges from "./StatusChanges.ts"
import * as StatusFeed from "./StatusFeed.ts"

export interface WatchOptions {
  readonly httpUrl: string
  readonly config: PollerConfig
  /** When `up` began, on the clock of now: statuses reported earlier do not count. */
  readonly since: Effect.Effect<number>
}

const askEvery = Schedule.fixed("1 second")
/** Each time all statuses are read and compared: most of what watching costs. */
const compareEvery = Schedule.fixed("2 seconds")
/** Then it is in the log only, and its line is free for others. */
const warningShownMillis = 120_000
const drawEvery = Schedule.fixed("250 millis")

const ask = ({ config, httpUrl, since }: WatchOptions) =>
  Effect.flatMap(since, (sinceMillis) => StatusFeed.read(httpUrl, StatusFeed.expected(config), sinceMillis))

/**
 * Calls `onChanges` with the services that are new, turned, or went stale, for ever. While core does not answer, what it
 * said last grows old all the same.
 */
const watch = Effect.fnUntraced(function*<R>(
  options: WatchOptions,
  onChanges: (changed: ReadonlyArray<StatusChanges.SeenState>) => Effect.Effect<void, never, R>
) {
  const known = yield* Ref.make<ReadonlyArray<StatusChanges.SeenState>>([])
  const staleAfter = Freshness.staleAfter(options.config)
  const look = Effect.gen(function*() {
    const states = yield* ask(options).pipe(
      Effect.catch(() => Effect.map(Ref.get(known), (seen) => seen.map(({ state }) => state)))
    )
    const freshness = { nowMillis: yield* Clock.currentTimeMillis, staleAfter }
    const now = states.map((state) => ({ state, isStale: Freshness.isStale(freshness, state) }))
    const changed = StatusChanges.between(yield* Ref.get(known), now)
    yield* Ref.set(known, now)
    if (changed.length > 0) yield* onChanges(changed)
  })
  return yield* Effect.andThen(Effect.repeat(look, compareEvery), Effect.never)
})

/** One JSON object a line on stdout, with the keys of `--once --json`. */
export const jsonLines = (options: WatchOptions) =>
  watch(
    options,
    (changed) =>
      Effect.forEach(changed, (seen) => Console.log(JSON.stringify(StatusFeed.toReport(seen))), { discard: true })
  )

export const logLines = (options: WatchOptions) =>
  watch(options, (changed) =>
    Effect.forEach(changed, ({ isStale, state }) => {
      const annotate = Effect.annotateLogs({
        agentId: state.agentId,
        serviceName: state.serviceName,
        serviceType: state.serviceType,
        available: state.available,
        stale: isStale,
        responseTimeNanos: state.responseTimeNanos
      })
      if (isStale) {
        const at = DateTime.formatIso(state.reportedAt)
        return annotate(Effect.logWarning(`${state.serviceName} is stale: its last status is of ${at}`))
      }
      return annotate(
        state.available
          ? Effect.logInfo(`${state.serviceName} is up`)
          : Effect.logWarning(`${state.serviceName} is down`)
      )
    }, { discard: true }))

export interface LiveOptions extends WatchOptions {
  readonly output: Screen.TerminalOutput
  readonly style: Style
  readonly headline: Effect.Effect<string>
  readonly notice: Effect.Effect<string>
  /** Empty while there is no event writer. */
  readonly streams: Effect.Effect<ReadonlyArray<StreamStatus>>
  /** None without a sync service. */
  readonly inventory: Effect.Effect<Option.Option<Inventory>>
  /** The last warnings of the log, newest last. */
  readonly warnings: Effect.Effect<ReadonlyArray<LogEntry>>
}

/** The table and the tree, redrawn in place until interrupted; the last frame stays. */
export const live = Effect.fn("StatusWatch.live")(function*(options: LiveOptions) {
  const screen = yield* Screen.make(options.output)
  const tree = yield* SupervisionTree
  const states = yield* Ref.make<ReadonlyArray<ServiceState>>([])
  const expected = StatusFeed.expected(options.config).length
  const staleAfter = Freshness.staleAfter(options.config)

  const refresh = Effect.ignore(Effect.flatMap(ask(options), (now) => Ref.set(states, now)))
  const draw = Effect.gen(function*() {
    const { columns, rows } = yield* screen.size
    const nowMillis = yield* Clock.currentTimeMillis
    const warnings = (yield* options.warnings).filter(({ atMillis }) => nowMillis - atMillis < warningShownMillis)
    const lines = LiveView.draw({
      headline: yield* options.headline,
      notice: yield* options.notice,
      states: yield* Ref.get(states),
      expected,
      streams: yield* options.streams,
      inventory: yield* options.inventory,
      tree: yield* tree.snapshot,
      warnings: warnings.map((entry) => entry.text)
    }, {
      style: options.style,
      nowMillis,
      staleAfter,
      columns,
      rows
    })
    yield* screen.draw(lines)
  })
  return yield* Effect.all([Effect.repeat(refresh, askEvery), Effect.repeat(draw, drawEvery)], {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.andThen(Effect.never))
}, Effect.scoped)
