/**
 * One life of a checker's program: started, waited for until it serves its health, and watched until it ends.
 *
 * It leads a process group of its own, which ends with it: asked first (SIGTERM), and three seconds later not any more. Of
 * this process's environment it gets PATH and nothing else. It gives way to this process, so that one that is started again
 * and again costs the checks nothing. What it prints goes to the log, line by line and within bounds.
 */
import { Deferred, Duration, Effect, Option, Schedule, Schema, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as ProgramExit from "../../../domain/agent/programs/ProgramExit.ts"
import type { ProgramSpec } from "../../../domain/agent/programs/ProgramSpec.ts"
import type * as GrpcHealth from "../../grpc/GrpcHealth.ts"
import * as LimitedCommand from "../../probes/exec/LimitedCommand.ts"
import * as SystemPriority from "../../process/priority/SystemPriority.ts"
import * as OutputLines from "./OutputLines.ts"

export class ProgramEnded extends Schema.TaggedError<ProgramEnded>()("ProgramEnded", {
  program: Schema.String,
  kind: Schema.Literals([
    "completed",
    "failed",
    "refused",
    "unstartable",
    "killed",
    "crashed",
    "ended",
    "unwell"
  ]),
  text: Schema.String
}) {
  override get message(): string {
    return `program ${this.program} ${this.text}`
  }
}

const grace = Duration.seconds(3)
/** For its last words; a process of another group may keep the output open for ever. */
const outputLimit = Duration.millis(500)
const healthLimit = Duration.seconds(3)
const startPause = Duration.millis(200)
const watchPause = Duration.seconds(10)
/** In a row. */
const unwellMax = 3
const megabyte = 1_048_576
/** A third of what the agent gets of a processor that both want. */
const givesWayBy = 5

interface Running {
  readonly child: ChildProcess
  readonly exit: Deferred.Deferred<ProgramExit.ProgramExit>
  /** All that it printed was read, which is later than its end. */
  readonly closed: Deferred.Deferred<void>
}

export interface Surroundings {
  /** The PATH variable. */
  readonly path: string | undefined
  /** Connects to where the program serves. */
  readonly health: (
    spec: ProgramSpec,
    address: string
  ) => Effect.Effect<GrpcHealth.HealthClient, { readonly message: string }, Scope.Scope>
}

const spawned = Effect.fnUntraced(function*(
  { env, folder, name }: ProgramSpec,
  [file, args]: LimitedCommand.CommandLine,
  path: string
) {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  return yield* Effect.acquireRelease(
    Effect.sync((): Running => {
      const child = spawn(file, args, {
        cwd: Option.getOrElse(folder, () => "/"),
        env: { PATH: path, ...env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      })
      if (child.pid !== undefined) {
        SystemPriority.lower(child.pid, SystemPriority.below(givesWayBy))
        SystemPriority.lowerSession(child.pid, givesWayBy)
      }
      const exit = Deferred.makeUnsafe<ProgramExit.ProgramExit>()
      for (const stream of ["stdout", "stderr"] as const) {
        const lines = OutputLines.make(
          (line) => void run(Effect.logInfo(`program ${name} (${stream}): ${line}`)),
          () => performance.now()
        )
        child[stream]?.on("data", lines.add)
        child[stream]?.on("close", lines.end)
      }
      child.on(
        "error",
        ({ message }) =>
          Deferred.doneUnsafe(exit, Effect.succeed({ kind: "unstartable", text: `could not be started: ${message}` }))
      )
      child.on("exit", (code, signal) => Deferred.doneUnsafe(exit, Effect.succeed(ProgramExit.classify(code, signal))))
      const closed = Deferred.makeUnsafe<void>()
      child.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
      return { child, closed, exit }
    }),
    ({ child, closed, exit }) =>
      Effect.gen(function*() {
        if (!(yield* Deferred.isDone(exit))) {
          LimitedCommand.killGroup(child.pid, "SIGTERM")
          yield* Effect.timeoutOption(Deferred.await(exit), grace)
        }
        LimitedCommand.killGroup(child.pid, "SIGKILL")
        yield* Effect.timeoutOption(Deferred.await(closed), outputLimit)
        child.stdout?.destroy()
        child.stderr?.destroy()
      })
  )
})

/** The outer effect succeeds when it is healthy; the inner one fails when it has ended, or is not healthy any more. */
export const start = Effect.fnUntraced(function*(spec: ProgramSpec, { health: connect, path }: Surroundings) {
  const { name } = spec
  const ended = (exit: ProgramExit.ProgramExit) => new ProgramEnded({ program: name, kind: exit.kind, text: exit.text })
  const unstartable = ({ message }: { readonly message: string }) =>
    ended({ kind: "unstartable", text: `could not be started: ${message}` })

  const commandLine = yield* LimitedCommand.make(path)({
    program: spec.command,
    args: spec.args,
    memoryBytesMax: spec.memoryMegabytesMax * megabyte
  }).pipe(Effect.mapError(unstartable))
  const { child, exit } = yield* spawned(spec, commandLine, path ?? "")
  const untilEnd = Effect.flatMap(Deferred.await(exit), (how) => Effect.fail(ended(how)))
  yield* Effect.logInfo(`program ${name} was started, process ${child.pid ?? "unknown"}`)
  if (Option.isNone(spec.address)) return untilEnd

  const { check } = yield* connect(spec, spec.address.value).pipe(Effect.mapError(unstartable))
  const isHealthy = check(spec.healthName).pipe(
    Effect.timeoutOption(healthLimit),
    Effect.match({
      onFailure: ({ message }) => message,
      onSuccess: Option.match({
        onNone: () => `no answer within ${Duration.format(healthLimit)}`,
        onSome: (status) => status === "SERVING" ? "" : status
      })
    })
  )
  let last = ""
  const healthy = isHealthy.pipe(
    Effect.tap((trouble) =>
      Effect.sync(() => {
        last = trouble
      })
    ),
    Effect.repeat({ schedule: Schedule.spaced(startPause), until: (trouble) => trouble === "" }),
    Effect.timeoutOrElse({
      duration: spec.startTimeout,
      orElse: () =>
        Effect.fail(ended({
          kind: "unwell",
          text: `was not healthy within ${Duration.format(spec.startTimeout)}: ${last}`
        }))
    })
  )
  yield* Effect.raceFirst(healthy, untilEnd)
  yield* Effect.logInfo(`program ${name} is healthy`)

  let troubles = 0
  const watch = isHealthy.pipe(
    Effect.delay(watchPause),
    Effect.flatMap((trouble) => {
      troubles = trouble === "" ? 0 : troubles + 1
      return troubles < unwellMax
        ? Effect.void
        : Effect.fail(ended({ kind: "unwell", text: `was not healthy ${unwellMax} times in a row: ${trouble}` }))
    }),
    Effect.forever
  )
  return Effect.raceFirst(watch, untilEnd)
})
