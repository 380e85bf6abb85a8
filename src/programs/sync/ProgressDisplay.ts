/** What each source is doing, drawn on a terminal's stderr; nothing off one. */
import { Clock, Effect } from "effect"
import * as Screen from "../../layers/terminal/Screen.ts"
import { type SourceProgress, SyncProgress } from "../../services/sync/SyncProgress.ts"

const interval = "200 millis"

const number = (value: number): string => value.toLocaleString("en-US")

const lineOf = (progress: SourceProgress, nowMillis: number): string => {
  const seconds = Math.max(0.001, (nowMillis - progress.startedAt) / 1000)
  const rate = progress.phase === "fetching" ? `  ${number(Math.round(progress.devices / seconds))}/s` : ""
  const rejected = progress.rejected === 0 ? "" : `  ${number(progress.rejected)} rejected`
  const detail = progress.detail === "" ? "" : `  ${progress.detail}`
  return `${progress.source}: ${progress.phase}  ${number(progress.pages)} pages  ` +
    `${number(progress.devices)} devices${rate}${rejected}${detail}`
}

/** Runs the effect while the display follows it. */
export const beside = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.gen(function*() {
    if (process.stderr.isTTY !== true) return yield* effect
    const progress = yield* SyncProgress
    const screen = yield* Screen.make(process.stderr)
    const draw = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const lines = (yield* progress.all).map((one) => lineOf(one, now))
      yield* screen.draw([...lines, `memory ${Math.round(process.memoryUsage.rss() / 1e6)} MB`])
    })
    const drawing = Effect.forever(Effect.andThen(draw, Effect.sleep(interval)))
    return yield* Effect.raceFirst(Effect.tap(effect, () => draw), drawing)
  }))
