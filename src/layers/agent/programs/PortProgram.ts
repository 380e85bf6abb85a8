/**
 * One life of a checker's program: started, waited for until it serves its health, and watched until it ends.
 *
 * It leads a process group of its own, which ends with it: asked first (SIGTERM), and three seconds later not any more. Of
 * this process's environment it gets PATH and nothing else, and a mark by which what has left the group is found. It gives way
 * to this process, so that one that is started again and again costs the checks nothing. What it prints goes to the log, line
 * by line and within bounds.
 */
import { Deferred, Duration, Effect, Option, Schedule, Schema, type Scope } from "effect"
import * as ProgramExit from "../../../domain/agent/programs/ProgramExit.ts"
import type { ProgramSpec } from "../../../domain/agent/programs/ProgramSpec.ts"
import type * as GrpcHealth from "../../grpc/GrpcHealth.ts"
import * as LeftBehind from "../../probes/exec/LeftBehind.ts"
import * as LimitedCommand from "../../probes/exec/LimitedCommand.ts"
import type * as Program from "../../process/spawn/Program.ts"
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
/** A tenth of what the agent gets of a processor that both want. */
const givesWayBy = 10

/** So that each start has a mark of its own. */
let starts = 0

interface Running {
  readonly program: Program.Program
  /** In the environment of all that it starts. */
  readonly mark: string
  /** Its id, or why it could not be started. */
  readonly started: Deferred.Deferred<number, ProgramExit.ProgramExit>
  readonly exit: Deferred.Deferred<ProgramExit.ProgramExit>
  /** All that it printed was read, which is later than its end. */
  readonly closed: Deferred.Deferred<void>
}

export interface Surroundings {
  readonly begin: Program.Begin
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
  { begin, path }: Surroundings
) {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const linesOf = (stream: Program.Stream) =>
    OutputLines.make(
      (line) => void run(Effect.logInfo(`program ${name} (${stream}): ${line}`)),
      () => performance.now()
    )
  return yield* Effect.acquireRelease(
    Effect.sync((): Running => {
      starts += 1
      const mark = `${process.pid}.program.${starts}`
      const exit = Deferred.makeUnsafe<ProgramExit.ProgramExit>()
      const closed = Deferred.makeUnsafe<void>()
      const started = Deferred.makeUnsafe<number, ProgramExit.ProgramExit>()
      const lines = { stdout: linesOf("stdout"), stderr: linesOf("stderr") }
      const close = () => {
        for (const one of Object.values(lines)) one.end()
        Deferred.doneUnsafe(closed, Effect.void)
      }
      const order: Program.Order = {
        file,
        args,
        folder: Option.getOrElse(folder, () => "/"),
        env: { PATH: path ?? "", ...env, [LeftBehind.variable]: mark },
        givesWayBy
      }
      const program = begin(order, {
        started: (pid) => Deferred.doneUnsafe(started, Effect.succeed(pid)),
        printed: (stream, part) => lines[stream].add(part),
        failed: (message) => {
          const ending: ProgramExit.ProgramExit = { kind: "unstartable", text: `could not be started: ${message}` }
          Deferred.doneUnsafe(started, Effect.fail(ending))
          Deferred.doneUnsafe(exit, Effect.succeed(ending))
          close()
        },
        exited: (code, signal) => Deferred.doneUnsafe(exit, Effect.succeed(ProgramExit.classify(code, signal))),
        closed: close
      })
      return { program, mark, started, closed, exit }
    }),
    ({ closed, exit, mark, program }) =>
      Effect.gen(function*() {
        if (!(yield* Deferred.isDone(exit))) {
          program.signal("SIGTERM")
          yield* Effect.timeoutOption(Deferred.await(exit), grace)
        }
        program.signal("SIGKILL")
        // It may have run for so long that the numbers of processes have begun anew.
        yield* LeftBehind.end(mark, 0)
        yield* Effect.timeoutOption(Deferred.await(closed), outputLimit)
        program.deafen()
      })
  )
})

/** The outer effect succeeds when it is healthy; the inner one fails when it has ended, or is not healthy any more. */
export const start = Effect.fnUntraced(function*(spec: ProgramSpec, surroundings: Surroundings) {
  const { name } = spec
  const ended = (exit: ProgramExit.ProgramExit) => new ProgramEnded({ program: name, kind: exit.kind, text: exit.text })
  const unstartable = ({ message }: { readonly message: string }) =>
    ended({ kind: "unstartable", text: `could not be started: ${message}` })

  const commandLine = yield* LimitedCommand.make(surroundings.path)({
    program: spec.command,
    args: spec.args,
    memoryBytesMax: spec.memoryMegabytesMax * megabyte
  }).pipe(Effect.mapError(unstartable))
  const { exit, started } = yield* spawned(spec, commandLine, surroundings)
  const untilEnd = Effect.flatMap(Deferred.await(exit), (how) => Effect.fail(ended(how)))
  const pid = yield* Effect.mapError(Deferred.await(started), ended).pipe(
    Effect.timeoutOrElse({
      duration: spec.startTimeout,
      orElse: () => Effect.fail(unstartable({ message: `not within ${Duration.format(spec.startTimeout)}` }))
    })
  )
  yield* Effect.logInfo(`program ${name} was started, process ${pid}`)
  if (Option.isNone(spec.address)) return untilEnd

  const { check } = yield* surroundings.health(spec, spec.address.value).pipe(Effect.mapError(unstartable))
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
