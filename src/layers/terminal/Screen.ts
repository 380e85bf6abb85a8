/**
 * Redraws a block of lines in place on a terminal.
 *
 * Each frame is one write: cursor up over the last block, each line followed by "clear to its end", then "clear below".
 * The cursor is hidden meanwhile and shown again however the scope closes, and by an exit handler for the ways out on
 * which no scope closes.
 */
import { Effect, type Scope } from "effect"

/** What is needed of `process.stdout`. */
export interface TerminalOutput {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

export interface Screen {
  readonly size: Effect.Effect<{ readonly columns: number; readonly rows: number }>
  /** Replaces the last frame. Lines must not be wider than the terminal. */
  readonly draw: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const clearLine = "\u001b[K"
const clearBelow = "\u001b[J"

/** The text that replaces a block of `before` lines by these. */
export const frame = (lines: ReadonlyArray<string>, before: number): string =>
  (before > 0 ? `\u001b[${before}A\r` : "\r") + lines.map((line) => `${line}${clearLine}\n`).join("") + clearBelow

export const make = (output: TerminalOutput): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function*() {
    let height = 0
    let columnsBefore = 0
    const restore = () => {
      output.write(showCursor)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        output.write(hideCursor)
        process.once("exit", restore)
      }),
      () =>
        Effect.sync(() => {
          process.off("exit", restore)
          restore()
        })
    )
    const size = Effect.sync(() => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 }))
    const draw = (lines: ReadonlyArray<string>) =>
      Effect.map(size, ({ columns, rows }) => {
        // One row stays free for the cursor: a block as high as the screen would scroll, and "up" could not undo it.
        const visible = lines.slice(0, Math.max(1, rows - 1))
        // A narrower terminal has wrapped what stands there, so its height is unknown: start from a clear screen.
        const start = columns < columnsBefore ? "\u001b[2J\u001b[H" : ""
        output.write(start + frame(visible, start === "" ? Math.min(height, rows - 1) : 0))
        height = visible.length
        columnsBefore = columns
      })
    return { size, draw }
  })
