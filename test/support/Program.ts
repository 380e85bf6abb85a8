/**
 * Programs of this project as separate processes, for end-to-end and fault tests.
 *
 * A program is killed with its scope, so that a failing test leaves nothing behind; its output is kept to be shown when
 * a condition does not come true in time.
 */
import { Data, Duration, Effect, Option, Schedule, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as FreePort from "../../src/layers/process/endpoint/FreePort.ts"

export const projectRoot = path.resolve(import.meta.dirname, "../..")

/** Lines kept per program: enough to see why, bounded for a chatty one. */
const outputLinesMax = 400

export interface Program {
  readonly pid: number
  readonly output: () => string
  readonly stdout: () => string
  /** Goes away as the reader of its stdout. */
  readonly closeStdout: Effect.Effect<void>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** The exit code, or 128 when a signal ended the program. */
  readonly exited: Effect.Effect<number>
  readonly isRunning: () => boolean
}

/** After an end, for output that is still in the pipe, which what the program has started may keep open. */
const outputMillisMax = 500

/** Its end is often noticed before the last of its output is read. */
const endOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    const settle = () => resolve(child.exitCode ?? 128)
    child.once("close", settle)
    child.once("exit", () => setTimeout(settle, outputMillisMax).unref())
  })

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Another installation's; by default that of this checkout. */
  readonly launcher?: string
  /** A program of POSIX shell that ends in `exec "$@"`: what is to be set up around ours. */
  readonly within?: string
  /** Where stdout goes instead of to `output` and `stdout`: a file descriptor. */
  readonly stdoutTo?: number
}

/** A poller keeps statuses below it, which are to be no other test's. */
const stateFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-state-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** Starts `serviceradar ARGS` as its own process; what it keeps where nothing else is said goes with the scope. */
export const start = (
  args: ReadonlyArray<string>,
  options: ProgramOptions = {}
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.flatMap(
    args[0] === "poller" ? stateFolder : Effect.succeed(undefined),
    (folder) => startWith(args, { ...options, env: { ...(folder && { STATE_DIRECTORY: folder }), ...options.env } })
  )

const startWith = (
  args: ReadonlyArray<string>,
  options: ProgramOptions
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Program => {
      const launcher = options.launcher ?? path.join(projectRoot, "bin/serviceradar.mjs")
      const [command = "", ...rest] = options.within === undefined
        ? [process.execPath, launcher, ...args]
        : ["/bin/sh", "-c", options.within, "sh", process.execPath, launcher, ...args]
      const child = spawn(command, rest, {
        cwd: options.cwd ?? projectRoot,
        env: { ...process.env, ...options.env },
        stdio: ["ignore", options.stdoutTo ?? "pipe", "pipe"]
      })
      const end = endOf(child)
      const lines: Array<string> = []
      let stdout = ""
      const keep = (chunk: Buffer) => {
        lines.push(chunk.toString("utf8"))
        if (lines.length > outputLinesMax) lines.shift()
      }
      child.stdout?.on("data", (chunk: Buffer) => {
        stdout += chunk.toString("utf8")
        keep(chunk)
      })
      child.stderr?.on("data", keep)
      return {
        pid: child.pid ?? 0,
        output: () => lines.join(""),
        stdout: () => stdout,
        closeStdout: Effect.sync(() => void child.stdout?.destroy()),
        kill: (signal) => Effect.sync(() => void child.kill(signal)),
        exited: Effect.promise(() => end),
        isRunning: () => child.exitCode === null && child.signalCode === null
      }
    }),
    (program) =>
      Effect.gen(function*() {
        if (!program.isRunning()) return
        yield* program.kill("SIGTERM")
        const exit = yield* program.exited.pipe(Effect.timeoutOption("15 seconds"))
        if (Option.isNone(exit)) yield* program.kill("SIGKILL")
      })
  )

export class ConditionNotMet extends Data.TaggedError("ConditionNotMet")<{
  readonly what: string
  readonly within: string
  readonly lastError: string
  readonly output: string
}> {
  override get message(): string {
    return `${this.what}: not within ${this.within}; last: ${this.lastError}\n${this.output}`
  }
}

/** Asks until `probe` answers with a value, every 50 ms; fails with what was last seen after `within`. */
export const eventually = <A, E>(
  what: string,
  probe: Effect.Effect<Option.Option<A>, E>,
  options: { readonly within: Duration.Input; readonly programs?: ReadonlyArray<Program> }
): Effect.Effect<A, ConditionNotMet> =>
  Effect.suspend(() => {
    let last = "no answer yet"
    const attempt = probe.pipe(
      Effect.matchEffect({
        onFailure: (error) => {
          last = String(error)
          return Effect.fail("again" as const)
        },
        onSuccess: (found) => Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail("again" as const)
      })
    )
    return attempt.pipe(
      Effect.retry(Schedule.spaced("50 millis")),
      Effect.timeoutOrElse({
        duration: options.within,
        orElse: () =>
          Effect.fail(
            new ConditionNotMet({
              what,
              within: Duration.format(Duration.fromInputUnsafe(options.within)),
              lastError: last,
              output: (options.programs ?? []).map((program) => program.output()).join("\n----\n")
            })
          )
      }),
      Effect.catchIf((error) => error === "again", () => Effect.die(new Error("unreachable: retried without end")))
    )
  })

/** A port of the loopback that was free a moment ago. */
export const freePort: Effect.Effect<number> = FreePort.next("127.0.0.1", 0)

class RequestFailed extends Data.TaggedError("RequestFailed")<{ readonly url: string; readonly reason: string }> {}

/** The JSON document at `url`, or a failure with the reason. */
export const fetchJson = (url: string): Effect.Effect<unknown, RequestFailed> =>
  Effect.tryPromise({
    try: (signal) =>
      fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) }).then((response) => response.json()),
    catch: (cause) => new RequestFailed({ url, reason: String(cause) })
  })
