/**
 * Runs an operator's program within limits, a bounded number at once.
 *
 * No shell: the arguments reach the program as they are. It leads a process group of its own, so that all it has started
 * ends with it, asked first (SIGTERM) and a second later not any more (SIGKILL); what has left the group is found by its
 * environment (`LeftBehind`). Memory is limited by the kernel, for
 * each process, by way of `prlimit` of util-linux. Of this process's environment it gets PATH and nothing else: there may
 * be secrets in it.
 */
import { Deferred, Duration, Effect, Semaphore } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { StepFailed } from "../CheckSteps.ts"
import * as LeftBehind from "./LeftBehind.ts"
import * as LimitedCommand from "./LimitedCommand.ts"

export interface ProgramSpec extends LimitedCommand.Limited {
  readonly env: Readonly<Record<string, string>>
  readonly folder: string | undefined
  /** Of stdout and stderr together. */
  readonly outputBytesMax: number
}

export interface Finished {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramRun {
  /** Waits without a limit of its own; interruption ends the program and all it has started. */
  readonly run: (spec: ProgramSpec) => Effect.Effect<Finished, StepFailed>
}

const atOnceMax = 16
/** Between being asked to end and being ended. */
const grace = Duration.seconds(1)
/** What ending a program that does not end by itself may take. */
export const endMax = Duration.seconds(2)
/** How long the output may stay open when the program has ended. */
const drain = Duration.millis(500)

interface Running {
  readonly child: ChildProcess
  /** In the environment of all that it starts. */
  readonly mark: string
  readonly ended: Deferred.Deferred<Finished, StepFailed>
  readonly exited: Deferred.Deferred<void>
}

/** So that each has a mark of its own. */
let runs = 0

const start = (file: string, args: ReadonlyArray<string>, spec: ProgramSpec, path: string): Running => {
  runs += 1
  const mark = `${process.pid}.${runs}`
  const child = spawn(file, args, {
    cwd: spec.folder ?? "/",
    env: { PATH: path, LC_ALL: "C", ...spec.env, [LeftBehind.variable]: mark },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const ended = Deferred.makeUnsafe<Finished, StepFailed>()
  const exited = Deferred.makeUnsafe<void>()
  const fail = (reason: string) => Deferred.doneUnsafe(ended, Effect.fail(new StepFailed({ reason })))
  const parts = { stdout: new Array<Buffer>(), stderr: new Array<Buffer>() }
  let bytes = 0
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (part: Buffer) => {
      bytes += part.length
      if (bytes <= spec.outputBytesMax) return void parts[name].push(part)
      child[name]?.destroy()
      fail(`it printed more than ${spec.outputBytesMax} bytes and was ended`)
    })
  }
  let status: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined
  const finish = () => {
    if (status === undefined) return
    if (status.code === null) return void fail(`killed by ${status.signal ?? "a signal"}`)
    const text = (name: "stdout" | "stderr") => Buffer.concat(parts[name]).toString("utf8")
    Deferred.doneUnsafe(
      ended,
      Effect.succeed({ exitCode: status.code, stdout: text("stdout"), stderr: text("stderr") })
    )
  }
  child.on("error", ({ message }) => {
    fail(message)
    Deferred.doneUnsafe(exited, Effect.void)
  })
  child.on("exit", (code, signal) => {
    status = { code, signal }
    Deferred.doneUnsafe(exited, Effect.void)
  })
  child.on("close", finish)
  return { child, mark, ended, exited }
}

/** What it has started ends with it, however it ended. */
const stop = ({ child, exited, mark }: Running): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (!(yield* Deferred.isDone(exited))) {
      LimitedCommand.killGroup(child.pid, "SIGTERM")
      yield* Effect.timeoutOption(Deferred.await(exited), grace)
    }
    LimitedCommand.killGroup(child.pid, "SIGKILL")
    if (child.pid !== undefined) yield* LeftBehind.end(mark, child.pid)
    child.stdout?.destroy()
    child.stderr?.destroy()
  })

export const make = (path: string | undefined): Effect.Effect<ProgramRun> =>
  Effect.map(Semaphore.make(atOnceMax), (places) => {
    const commandOf = LimitedCommand.make(path)
    return {
      run: (spec) =>
        places.withPermit(Effect.gen(function*() {
          const [file, args] = yield* commandOf(spec)
          const running = yield* Effect.acquireRelease(
            Effect.try({
              try: () => start(file, args, spec, path ?? ""),
              // Such as arguments that are too long for the system.
              catch: (error) => new StepFailed({ reason: error instanceof Error ? error.message : String(error) })
            }),
            stop
          )
          const ended = Deferred.await(running.ended)
          yield* Effect.raceFirst(Deferred.await(running.exited), Effect.exit(ended))
          // What it left behind may keep the output open for ever.
          return yield* Effect.timeoutOrElse(ended, {
            duration: drain,
            orElse: () => Effect.andThen(stop(running), ended)
          })
        })).pipe(Effect.scoped)
    }
  })
