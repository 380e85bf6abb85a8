/**
 * A process of a server that we run ourselves: the server, or one of its tools.
 *
 * It does not outlive us, see ParentGuard. Node's own `spawn`, because Effect's has no user and group. The process gets its own session, so that Ctrl-C on the
 * terminal reaches only us and the server is stopped after those who use it.
 */
import { Deferred, Duration, Effect, Option, type Scope } from "effect"
import * as childProcess from "node:child_process"
import * as path from "node:path"
import * as ParentGuard from "./ParentGuard.ts"
import type { ServerAccount } from "./ServerAccount.ts"
import * as ServerLog from "./ServerLog.ts"
import { SetupFailed } from "./SetupFailed.ts"

export interface ProcessOptions {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  /** None: runs as we do. */
  readonly account: Option.Option<ServerAccount>
  /** Variables beside PATH and a neutral locale and time zone, which each process gets. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly logFile?: string
  /** Signals sent one after another when the scope closes, each with the time that the process may take. */
  readonly stop: ReadonlyArray<readonly [signal: NodeJS.Signals, limit: Duration.Duration]>
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerProcess {
  readonly pid: number
  /** With the last of its output read, where that comes in time. */
  readonly exit: Effect.Effect<ProcessExit>
  readonly lastLines: (count: number) => ReadonlyArray<string>
}

/** After an end, for output that is still in the pipe: what a process has started may keep that open for ever. */
const outputLimit = Duration.millis(500)

/** When it ended, and when all of its output was read: an end is often noticed first. */
interface Ending {
  readonly exited: Deferred.Deferred<ProcessExit>
  readonly closed: Deferred.Deferred<void>
}

const launch = (
  options: ProcessOptions,
  log: ServerLog.ServerLog,
  guard: ParentGuard.ParentGuard,
  { closed, exited }: Ending
) =>
  Effect.callback<childProcess.ChildProcess, SetupFailed>((resume) => {
    const child = childProcess.spawn(options.command, options.args, {
      cwd: options.cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC", ...options.env },
      ...Option.match(options.account, { onNone: () => ({}), onSome: ({ gid, uid }) => ({ gid, uid }) })
    })
    if (child.pid !== undefined) guard.protect(child.pid)
    for (const output of [child.stdout, child.stderr]) {
      // A pipe that breaks costs the lines in it.
      output.on("data", log.append).on("error", () => undefined)
    }
    child.once("error", (cause) => {
      Deferred.doneUnsafe(exited, Effect.succeed({ code: null, signal: null }))
      Deferred.doneUnsafe(closed, Effect.void)
      resume(Effect.fail(new SetupFailed({ step: `running ${options.command}`, detail: cause.message })))
    })
    child.once("spawn", () => resume(Effect.succeed(child)))
    child.once("exit", (code, signal) => Deferred.doneUnsafe(exited, Effect.succeed({ code, signal })))
    child.once("close", () => Deferred.doneUnsafe(closed, Effect.void))
  })

const stopInTurn = (child: childProcess.ChildProcess, exit: Effect.Effect<ProcessExit>, stop: ProcessOptions["stop"]) =>
  Effect.gen(function*() {
    for (const [signal, limit] of stop) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      const ended = yield* Effect.timeoutOption(exit, limit)
      if (Option.isSome(ended)) return
      yield* Effect.logWarning(
        `${path.basename(child.spawnfile)} (process ${child.pid}) did not end within ${
          Duration.format(limit)
        } of ${signal}`
      )
    }
  })

/** Starts the process; closing the scope stops it. */
export const spawn = (
  options: ProcessOptions
): Effect.Effect<ServerProcess, SetupFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const log = yield* ServerLog.make(options.logFile)
    const exited = yield* Deferred.make<ProcessExit>()
    const closed = yield* Deferred.make<void>()
    const guard = yield* ParentGuard.make(
      options.stop.map(([signal, limit]) => [signal, Math.ceil(Duration.toSeconds(limit))])
    )
    const child = yield* Effect.acquireRelease(
      launch(options, log, guard, { closed, exited }),
      (child) => stopInTurn(child, Deferred.await(exited), options.stop)
    )
    const exit = Effect.tap(Deferred.await(exited), Effect.timeoutOption(Deferred.await(closed), outputLimit))
    return { pid: child.pid ?? 0, exit, lastLines: log.lastLines }
  })

const toolStop: ProcessOptions["stop"] = [["SIGTERM", Duration.seconds(2)], ["SIGKILL", Duration.seconds(2)]]

/** Runs a tool to its end; fails with its last lines when it does not end with 0 in time. */
export const run = (
  step: string,
  options: Omit<ProcessOptions, "stop" | "logFile">,
  limit: Duration.Duration
): Effect.Effect<string, SetupFailed> =>
  Effect.gen(function*() {
    const tool = yield* spawn({ ...options, stop: toolStop })
    const exit = yield* tool.exit
    const output = tool.lastLines(20).join("\n")
    if (exit.code === 0) return output
    return yield* new SetupFailed({
      step,
      detail: `${options.command} ended with ${exit.signal ?? exit.code}: ${output}`
    })
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        Effect.fail(
          new SetupFailed({ step, detail: `${options.command} took longer than ${Duration.format(limit)}` })
        )
    })
  )
