/** What each source is doing, drawn on a terminal's stderr; nothing off one. */
import { Clock, Console, Effect } from "effect"
import * as SourceRow from "../../layers/sync/SourceRow.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as Elapsed from "../../layers/terminal/Elapsed.ts"
import * as InventoryTable from "../../layers/terminal/InventoryTable.ts"
import * as Screen from "../../layers/terminal/Screen.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as SyncOverview from "../../services/sync/SyncOverview.ts"

const interval = "200 millis"

/** Of this table's frame: the memory line and the row of the cursor. */
const otherLines = 2

/** Warnings that are told when the table stands; further ones would hide it. */
const warningsMax = 20

const drawing = (sources: ReadonlyArray<string>, screen: Screen.Screen, style: Style.Style, startedAt: number) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const { columns, rows: lines } = yield* screen.size
    const rows = (yield* SyncOverview.read(sources)).map(SourceRow.make(now))
    const pending = rows.reduce((sum, { retractionsPending }) => sum + retractionsPending, 0)
    yield* screen.draw([
      ...InventoryTable.draw(rows, { style, columns, linesMax: lines - otherLines }),
      Style.cut(
        `${Elapsed.format(now - startedAt)}, memory ${Math.round(process.memoryUsage.rss() / 1e6)} MB, ` +
          `${pending.toLocaleString("en-US")} retractions pending`,
        columns
      )
    ])
  })

const followed = <A, E, R>(sources: ReadonlyArray<string>, effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.gen(function*() {
    const screen = yield* Screen.make(process.stderr)
    const style = Style.forStream(process.stderr, process.env)
    // A spool that cannot be read ends the work itself, with its reason.
    const draw = Effect.ignore(drawing(sources, screen, style, yield* Clock.currentTimeMillis))
    return yield* Effect.raceFirst(
      Effect.tap(effect, () => draw),
      Effect.forever(Effect.andThen(draw, Effect.sleep(interval)))
    )
  }))

/** Runs the effect while the display follows these sources. What is logged meanwhile would break its lines. */
export const beside = <A, E, R>(sources: ReadonlyArray<string>, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    if (process.stderr.isTTY !== true) return yield* effect
    const warnings: Array<string> = []
    const quiet = Logging.layerTo({
      write: () => undefined,
      show: ({ text }) => {
        if (warnings.length < warningsMax) warnings.push(text)
      }
    })
    return yield* followed(sources, effect).pipe(
      Effect.provide(quiet),
      Effect.ensuring(Effect.suspend(() => Effect.forEach(warnings, (text) => Console.error(text), { discard: true })))
    )
  })
