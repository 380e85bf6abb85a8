/**
 * Queries one after the other, typed at a terminal with completion and a history, or read from a pipe.
 *
 * The tabulator completes; `explain QUERY` shows the statement; ctrl-C stops the query that runs, or drops the line; ctrl-D
 * or `quit` ends. The history of the last 1,000 queries is a file of its owner's alone. Of a pipe all lines are asked, also after
 * one that is refused or not answered.
 */
import { Console, Effect, FileSystem, Schema, type Scope, Stream } from "effect"
import * as os from "node:os"
import * as path from "node:path"
import * as readline from "node:readline"
import * as Asking from "./Asking.ts"
import * as Candidates from "./Candidates.ts"
import * as Examine from "./Examine.ts"

const historyMax = 1000

const historyFile = path.join(
  process.env["XDG_STATE_HOME"] ?? path.join(os.homedir(), ".local", "state"),
  "serviceradar",
  "srql-history"
)

/** Nobody is refused a prompt for want of a history. */
const readHistory = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.readFileString(historyFile)
  return text.split("\n").filter((line) => line !== "")
}).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))

const writeHistory = (lines: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    yield* files.makeDirectory(path.dirname(historyFile), { recursive: true, mode: 0o700 })
    yield* files.writeFileString(historyFile, `${lines.join("\n")}\n`, { mode: 0o600 })
  }).pipe(Effect.ignore)

const open = (
  history: ReadonlyArray<string>,
  completer: readline.AsyncCompleter
): Effect.Effect<readline.Interface, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      readline.createInterface({
        input: process.stdin,
        output: process.stdin.isTTY === true ? process.stdout : undefined,
        terminal: process.stdin.isTTY === true,
        completer,
        // The newest is first there.
        history: [...history].reverse(),
        historySize: historyMax,
        removeHistoryDuplicates: true,
        prompt: "srql> "
      })
    ),
    (lines) => Effect.sync(() => lines.close())
  )

const answer = Effect.fnUntraced(function*(
  line: string,
  asking: Omit<Asking.Asking, "query">
) {
  const explained = /^explain\s+(.+)$/is.exec(line)?.[1]
  const done = explained === undefined
    ? Asking.ask({ ...asking, query: line })
    : Examine.explain(explained, asking.tenant, asking.json)
  // What was refused has been shown.
  return yield* Effect.as(done, true).pipe(
    Effect.catchTags({
      NegativeAnswer: () => Effect.succeed(false),
      ManagementError: (error) => Effect.as(Console.error(error.message), false)
    })
  )
})

export class StandardInputFailed extends Schema.TaggedError<StandardInputFailed>()("StandardInputFailed", {
  detail: Schema.String
}) {
  override get message(): string {
    return `standard input cannot be read: ${this.detail}`
  }
}

export interface Done {
  readonly asked: number
  /** Refused, or asked in vain. */
  readonly failed: number
}

const isEnd = (text: string): boolean => ["quit", "exit", "\\q"].includes(text)

/** Until the lines end. */
export const run = Effect.fnUntraced(function*(asking: Omit<Asking.Asking, "query">) {
  const isTerminal = process.stdin.isTTY === true
  const history = isTerminal ? yield* readHistory : []
  const asked: Array<string> = []
  let failed = 0
  const lines = yield* open(history, yield* Candidates.make(asking.base, asking.tenant))
  let stop: (() => void) | undefined
  const stopped = Effect.callback<boolean>((resume) => {
    stop = () => resume(Effect.succeed(false))
    return Effect.sync(() => stop = undefined)
  })
  const prompt = Effect.sync(() => {
    if (isTerminal) lines.prompt()
  })
  lines.on("SIGINT", () => {
    if (stop !== undefined) return stop()
    lines.write(null, { ctrl: true, name: "u" })
    lines.prompt()
  })
  const take = (text: string) =>
    Effect.gen(function*() {
      if (text !== "" && !text.startsWith("#")) {
        asked.push(text)
        if (!(yield* Effect.raceFirst(answer(text, asking), stopped))) failed += 1
      }
      yield* prompt
    })
  if (isTerminal) yield* Console.error("SRQL: tabulator completes, explain QUERY shows the statement, quit ends")
  yield* prompt
  yield* Stream.fromAsyncIterable(lines, (cause) => new StandardInputFailed({ detail: String(cause) })).pipe(
    Stream.map((line) => line.trim()),
    Stream.takeUntil(isEnd),
    Stream.filter((line) => !isEnd(line)),
    Stream.runForEach(take)
  )
  if (isTerminal) yield* writeHistory([...history, ...asked].slice(-historyMax))
  const done: Done = { asked: asked.length, failed }
  return done
})
