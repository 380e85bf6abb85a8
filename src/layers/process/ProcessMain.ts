/**
 * Runs a program as this process, from the first signal to the exit code.
 *
 * The first SIGINT, SIGTERM or SIGHUP interrupts the program, which then has `drainLimit` for its finalizers; a second one
 * leaves at once. SIGHUP is left ignored where it was (`nohup`), see HangUp, and to a program that listens for it
 * (`reloads`) it says that its configuration is another one, unless its terminal has just closed; one that comes before
 * such a program listens is kept until it does. A terminal sends Ctrl-C to the whole process group while npm and the launcher forward it as well, so signals that arrive together count once.
 */
import {
  Cause,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  MutableRef,
  Option,
  Queue,
  Runtime,
  type Scope,
  Stream
} from "effect"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import * as GarbageCollection from "./GarbageCollection.ts"
import * as HangUp from "./HangUp.ts"
import * as StandardStreams from "./StandardStreams.ts"

const drainLimitDefault = Duration.seconds(10)

/** A person who presses Ctrl-C twice takes longer than this. */
const sameSignalMillis = 250

/** SIGPIPE stands for the reader of an answer who went away; the signal itself is none of ours. */
type StopSignal = "SIGHUP" | "SIGINT" | "SIGPIPE" | "SIGTERM"

/** 128 and the signal's number, as shells have it. */
const exitStopped: Record<StopSignal, number> = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 }

const exitTerminatedAtOnce = exitStopped.SIGINT
const exitError = 2

/**
 * Whether being stopped is a normal end of the running command. A service stopped by SIGTERM has done its work and exits
 * with 0; a command that owes an answer has not.
 */
const OwesAnswer = Context.Reference<MutableRef.MutableRef<boolean>>(
  "serviceradar/layers/process/ProcessMain/OwesAnswer",
  { defaultValue: () => MutableRef.make(false) }
)

/** Says that exit code 0 means something here, so that an interrupted run must not end with it. */
export const owesAnswer: Effect.Effect<void> = Effect.flatMap(
  OwesAnswer,
  (owes) => Effect.sync(() => MutableRef.set(owes, true))
)

/** What a SIGHUP says to a program that reads its configuration again. */
interface Reloading {
  /** Who is told of it instead of being stopped by it. */
  readonly listener: Option.Option<() => void>
  /** One came while nobody listened. */
  readonly isDue: boolean
}

const quiet: Reloading = { listener: Option.none(), isDue: false }

const OnReload = Context.Reference<MutableRef.MutableRef<Reloading>>(
  "serviceradar/layers/process/ProcessMain/OnReload",
  { defaultValue: () => MutableRef.make(quiet) }
)

/** An element for each SIGHUP that asks for the configuration to be read again, from now until the scope closes. */
export const reloads: Effect.Effect<Stream.Stream<void>, never, Scope.Scope> = Effect.gen(function*() {
  const onReload = yield* OnReload
  // Of several that come while the file is read, one is enough.
  const queue = yield* Queue.sliding<void>(1)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      if (MutableRef.get(onReload).isDue) Queue.offerUnsafe(queue, undefined)
      const listener = Option.some(() => Queue.offerUnsafe(queue, undefined))
      MutableRef.set(onReload, { listener, isDue: false })
    }),
    () => Effect.sync(() => MutableRef.set(onReload, quiet))
  )
  return Stream.fromQueue(queue)
})

/** What a program's end means to whoever started it: 0, the number an error carries, or 2. */
export const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return exitTerminatedAtOnce
  const error = Cause.squash(exit.cause)
  const declares = typeof error === "object" && error !== null && Runtime.errorExitCode in error
  return declares ? Runtime.getErrorExitCode(error) : exitError
}

export interface ProcessMainOptions {
  /** How long finalizers may take after the first signal. Default 10 s. */
  readonly drainLimit?: Duration.Duration
  /** Called with how the program ended, before the process exits; not for an end that a signal asked for. */
  readonly report?: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Told what happens on signals. Default: a line on stderr. */
  readonly notice?: (line: string) => Effect.Effect<void>
  /** What stdout is used for. Default: an answer. */
  readonly stdout?: StandardStreams.StdoutUse
  /** Whether the program reads its configuration again at SIGHUP, once it is there. Default: it is stopped until it says so. */
  readonly readsAgain?: boolean
  /** Aborted when nobody wants the answer any more. */
  readonly readerGone?: AbortSignal
}

const writeLine = (line: string): Effect.Effect<void> =>
  Effect.sync(() => {
    process.stderr.write(`${line}\n`)
  })

/** A program that reads its configuration again is stopped by the end of its terminal only. */
const onHangUp = (stop: () => void, onReload: MutableRef.MutableRef<Reloading>, readsAgain: boolean) => {
  if (HangUp.isIgnored(process.env)) return () => undefined
  const hadTerminal = HangUp.hasTerminal()
  return () => {
    const { listener } = MutableRef.get(onReload)
    if (hadTerminal && !HangUp.hasTerminal()) stop()
    else if (Option.isSome(listener)) listener.value()
    else if (readsAgain) MutableRef.set(onReload, { listener, isDue: true })
    else stop()
  }
}

/** Stop signals as they arrive, from now until the scope closes. */
const signals = Effect.fnUntraced(function*(
  { readerGone, readsAgain = false }: ProcessMainOptions,
  onReload: MutableRef.MutableRef<Reloading>
) {
  const queue = yield* Queue.sliding<StopSignal>(4)
  let lastAt = Number.NEGATIVE_INFINITY
  const offer = (signal: StopSignal) => {
    const at = performance.now()
    if (at - lastAt < sameSignalMillis) return
    lastAt = at
    Queue.offerUnsafe(queue, signal)
  }
  const hangUp = onHangUp(() => offer("SIGHUP"), onReload, readsAgain)
  const handlers = [
    ["SIGINT", () => offer("SIGINT")],
    ["SIGTERM", () => offer("SIGTERM")],
    ["SIGHUP", hangUp]
  ] as const
  const onGone = () => offer("SIGPIPE")
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      for (const [signal, handler] of handlers) process.on(signal, handler)
      readerGone?.addEventListener("abort", onGone)
    }),
    () =>
      Effect.sync(() => {
        for (const [signal, handler] of handlers) process.off(signal, handler)
        readerGone?.removeEventListener("abort", onGone)
      })
  )
  if (HangUp.takeEarly(process.env)) hangUp()
  return Queue.take(queue)
})

const drained = (signal: StopSignal, exit: Exit.Exit<unknown, unknown>, owes: boolean): number => {
  const isStopped = Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)
  if (!isStopped) return exitCode(exit)
  if (!owes) return 0
  return exitStopped[signal]
}

/** Runs the program until it ends or is stopped, and succeeds with the code to exit with. */
export const supervise = Effect.fn("ProcessMain.supervise")(function*<A, E>(
  program: Effect.Effect<A, E>,
  options: ProcessMainOptions = {}
): Effect.fn.Return<number> {
  const notice = options.notice ?? writeLine
  const limit = options.drainLimit ?? drainLimitDefault
  const owes = MutableRef.make(false)
  const onReload = MutableRef.make(quiet)

  return yield* Effect.scoped(Effect.gen(function*() {
    const nextSignal = yield* signals(options, onReload)
    const fiber = yield* Effect.forkDetach(program.pipe(
      Effect.provideService(OwesAnswer, owes),
      Effect.provideService(OnReload, onReload)
    ))
    const ended = Fiber.await(fiber)

    const first = yield* Effect.raceFirst(
      Effect.map(ended, (exit) => ({ _tag: "Ended", exit } as const)),
      Effect.map(nextSignal, (signal) => ({ _tag: "Signalled", signal } as const))
    )
    if (first._tag === "Ended") {
      if (Exit.isFailure(first.exit) && options.report !== undefined) yield* options.report(first.exit.cause)
      return exitCode(first.exit)
    }

    if (first.signal !== "SIGPIPE") {
      yield* notice(`${first.signal}: stopping, at most ${Duration.format(limit)}; once more to leave at once`)
    }
    fiber.interruptUnsafe()
    const drain = Effect.map(ended, (exit) => drained(first.signal, exit, MutableRef.get(owes)))
    const second = Effect.as(nextSignal, exitTerminatedAtOnce)
    const result = yield* Effect.raceFirst(drain, second).pipe(Effect.timeoutOption(limit))
    if (Option.isSome(result)) return result.value
    yield* notice(`Not stopped within ${Duration.format(limit)}: leaving`)
    return exitError
  }))
})

/** `supervise` as the main of this process; the only thing that ends it. */
export const run = <A, E>(program: Effect.Effect<A, E>, options: ProcessMainOptions = {}): void => {
  const streams = StandardStreams.watch(options.stdout ?? "answer")
  // The error channel is empty, so what arrives in the observer is a code or a bug of this very module.
  const fiber = Effect.runFork(
    ScopedLoop.start("Collecting garbage at rest", GarbageCollection.keep).pipe(
      Effect.andThen(supervise(program, { readerGone: streams.readerGone, ...options })),
      Effect.scoped
    )
  )
  const keepAlive = new MessageChannel()
  keepAlive.port1.ref()
  fiber.addObserver((exit) => {
    keepAlive.port1.close()
    leave(Exit.isSuccess(exit) ? exit.value : exitError, streams)
  })
}

/** Exits when what was written has left; a reader that went away does not keep us. */
const leave = (code: number, streams: StandardStreams.StandardStreams): void => {
  process.exitCode = code
  StandardStreams.flush(() => {
    const problem = streams.problem()
    if (problem === undefined || code !== 0) return process.exit(code)
    process.stderr.write(`serviceradar: the answer could not be written to stdout: ${problem}\n`)
    StandardStreams.flush(() => process.exit(exitError))
  })
}
