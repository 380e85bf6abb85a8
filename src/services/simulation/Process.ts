/**
 * One run of a program on a host: its fibers, its timers and what it has open, all of which end with it.
 *
 * It is an operating system's process as seen from outside: killed, nothing of it runs any more, not even a finalizer;
 * stopped, it is interrupted and given time; paused, it stands still while the world goes on.
 */
import { type Cause, Clock, Context, Effect, type Exit, type Fiber, Logger, Metric, Random, Scheduler } from "effect"
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Seeded } from "../../domain/simulation/Seeded.ts"
import { HostClock } from "./HostClock.ts"
import type { Machine, Runnable, Surroundings } from "./WorldParts.ts"

/** The process that a fiber belongs to; undefined outside of a world. */
export const Current: Context.Reference<Process | undefined> = Context.Reference<Process | undefined>(
  "serviceradar/simulation/Process",
  {
    defaultValue: () => undefined
  }
)

export interface ProcessOptions {
  readonly world: Surroundings
  readonly host: Machine
  readonly random: Seeded
  /** Fibers give way after so many steps. */
  readonly stepsMax: number
  readonly onExit: (exit: Exit.Exit<unknown, unknown>) => void
}

interface Bucket {
  readonly priority: number
  tasks: Array<() => void>
}

const seededRandom = (seeded: Seeded): (typeof Random.Random)["Service"] => ({
  nextDoubleUnsafe: () => seeded.next(),
  nextIntUnsafe: () => seeded.between(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
})

const textOf = (message: unknown): string =>
  Array.isArray(message)
    ? message.map(textOf).join(" ")
    : typeof message === "string"
    ? message
    : JSON.stringify(message)

export class Process implements Runnable {
  readonly world: Surroundings
  readonly host: Machine
  readonly clock: HostClock
  readonly random: Seeded
  readonly #onExit: (exit: Exit.Exit<unknown, unknown>) => void
  readonly #stepsMax: number
  readonly #endings = new Set<(how: "exited" | "killed" | "vanished") => void>()
  #buckets: Array<Bucket> = []
  #isAlive = true
  #isPaused = false
  #fiber: Fiber.Fiber<unknown, unknown> | undefined

  constructor(options: ProcessOptions) {
    this.world = options.world
    this.host = options.host
    this.random = options.random
    this.clock = new HostClock(this)
    this.#stepsMax = options.stepsMax
    this.#onExit = options.onExit
  }

  get name(): string {
    return this.host.name
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get hasWork(): boolean {
    return this.#isAlive && !this.#isPaused && this.#buckets.length > 0
  }

  /** Runs in its turn, if the process lives by then. The smaller number goes first. */
  enqueue(task: () => void, priority = 0): void {
    if (!this.#isAlive) return
    const index = this.#buckets.findIndex((one) => one.priority >= priority)
    const bucket = index < 0 ? undefined : this.#buckets[index]
    if (bucket !== undefined && bucket.priority === priority) bucket.tasks.push(task)
    else this.#buckets.splice(index < 0 ? this.#buckets.length : index, 0, { priority, tasks: [task] })
    this.world.hasWork(this)
  }

  /** What is left to run now. What comes of it is for the next turn. */
  turn(): number {
    const buckets = this.#buckets
    this.#buckets = []
    let ran = 0
    for (const { tasks } of buckets) {
      for (const task of tasks) {
        // Killed by one of them.
        if (!this.#isAlive) return ran
        ran += 1
        task()
      }
    }
    return ran
  }

  /** Starts the program; its end is the end of the process. */
  run(program: Effect.Effect<unknown, unknown>): void {
    const { host, world } = this
    const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) =>
      world.note(host.name, `${logLevel} ${textOf(message)}${describe(cause)}`)
    )
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= this.#stepsMax,
      makeDispatcher: () => ({
        scheduleTask: (task, priority) => this.enqueue(task, priority),
        flush: () => {
          while (this.hasWork) this.turn()
        }
      })
    }
    const context = Context.make(Current, this).pipe(
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(Clock.Clock, this.clock),
      Context.add(Random.Random, seededRandom(this.random)),
      Context.add(Metric.MetricRegistry, new Map()),
      Context.add(Logger.CurrentLoggers, new Set([logger]))
    )
    this.enqueue(() => {
      this.#fiber = Effect.runForkWith(context)(program)
      this.#fiber.addObserver((exit) => {
        if (!this.#isAlive) return
        this.#end("exited")
        this.#onExit(exit)
      })
    })
  }

  /** On its host's clock, if it lives by then. */
  later(millis: number, act: () => void): Appointment {
    return this.world.afterMicros(this.host.worldMicrosOf(millis), () => this.enqueue(act))
  }

  /** Something outside that ends with the process; answers how to take it back. */
  onEnd(ending: (how: "exited" | "killed" | "vanished") => void): () => void {
    this.#endings.add(ending)
    return () => void this.#endings.delete(ending)
  }

  /** As SIGTERM: interrupts the program, which ends in its own time. */
  stop(): void {
    this.enqueue(() => this.#fiber?.interruptUnsafe())
  }

  /** As SIGKILL. Its peers hear of it from the host's network. */
  kill(): void {
    this.#end("killed")
  }

  /** As a power failure: its peers hear nothing. */
  vanish(): void {
    this.#end("vanished")
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.hasWork) this.world.hasWork(this)
  }

  #end(how: "exited" | "killed" | "vanished"): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    this.#buckets = []
    for (const ending of this.#endings) ending(how)
    this.#endings.clear()
  }
}

const describe = (cause: Cause.Cause<unknown>): string =>
  cause.reasons.length === 0 ? "" : ` (${cause.reasons.map((reason) => reason._tag).join(", ")})`
