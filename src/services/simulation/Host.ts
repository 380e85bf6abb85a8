/**
 * A machine of the world: it has a name that others reach it by, a clock, and a process, which it starts again when that
 * ends, as a service manager does. Beside it another may run that takes over from it.
 */
import { Cause, type Effect, Exit } from "effect"
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Seeded } from "../../domain/simulation/Seeded.ts"
import { Process } from "./Process.ts"
import type { Machine, Surroundings } from "./WorldParts.ts"

export interface HostOptions {
  /** Made anew for each process: what outlives one is on the host's disk, or in another host. */
  readonly program: () => Effect.Effect<unknown, unknown>
  /** One that takes over from the process that runs, see `replace`. */
  readonly replacement?: () => Effect.Effect<unknown, unknown>
  /** How long after its end a process is started again. 1 s unless told. */
  readonly restartAfterMillis?: number
  /** How long a process that was told to stop is given before it is killed. 15 s unless told. */
  readonly stopWithinMillis?: number
}

const restartAfterDefault = 1_000
const stopWithinDefault = 15_000

/** Fibers of a process give way after as few steps, or as many, as Effect's own number. */
const stepsLeast = 5
const stepsMost = 2_048

export class Host implements Machine {
  readonly name: string
  readonly random: Seeded
  readonly #world: Surroundings
  readonly #options: HostOptions
  #process: Process | undefined
  #beside: Process | undefined
  #starts = 0
  #isDown = false
  #pending: Appointment | undefined
  #wallOffsetMicros = 0
  /** Fast by so many millionths. */
  #drift = 0
  #driftSinceMicros = 0
  #monotonicAtDrift = 0

  constructor(world: Surroundings, name: string, options: HostOptions) {
    this.#world = world
    this.name = name
    this.#options = options
    this.random = world.random.split(`host ${name}`)
  }

  /** Undefined while none runs. */
  get process(): Process | undefined {
    return this.#process
  }

  /** Without power. */
  get isDown(): boolean {
    return this.#isDown
  }

  get starts(): number {
    return this.#starts
  }

  get monotonicMicros(): number {
    const since = this.#world.nowMicros - this.#driftSinceMicros
    return this.#monotonicAtDrift + since * (1 + this.#drift / 1_000_000)
  }

  get wallMicros(): number {
    return this.#world.epochMicros + this.monotonicMicros + this.#wallOffsetMicros
  }

  /** How long `millis` on this host's clock are in the world, in microseconds. */
  worldMicrosOf(millis: number): number {
    return Math.ceil(millis * 1_000 / (1 + this.#drift / 1_000_000))
  }

  start(): void {
    if (this.#process !== undefined || this.#isDown) return
    this.#pending?.cancel()
    this.#pending = undefined
    this.#process = this.#begin(this.#options.program)
  }

  /** Starts another process beside the one that runs. When one of them ends, the other is the host's. */
  replace(): void {
    const { replacement } = this.#options
    if (replacement === undefined || this.#process === undefined || this.#beside !== undefined) return
    this.#beside = this.#begin(replacement)
  }

  /** Ends the process at once; it is started again. */
  kill(): void {
    this.#killed(this.#process, (process) => process.kill())
  }

  /** The same for the one that takes over, while it does. */
  killReplacement(): void {
    this.#killed(this.#beside, (process) => process.kill())
  }

  /** Told to stop, and killed if it does not; it is started again. */
  restart(): void {
    const process = this.#process
    if (process === undefined) return
    this.#world.note(this.name, "is told to stop")
    process.resume()
    process.stop()
    this.#world.after(this.#options.stopWithinMillis ?? stopWithinDefault, () => {
      if (process.isAlive) this.kill()
    })
  }

  /** No power: the process is gone and nobody is told. Until `powerOn`. */
  powerOff(): void {
    this.#isDown = true
    this.#pending?.cancel()
    this.#pending = undefined
    this.#killed(this.#beside, (process) => process.vanish())
    this.#killed(this.#process, (process) => process.vanish())
  }

  powerOn(): void {
    this.#isDown = false
    this.start()
  }

  pause(): void {
    this.#process?.pause()
    this.#beside?.pause()
  }

  resume(): void {
    this.#process?.resume()
    this.#beside?.resume()
  }

  /** Steps the time of day. */
  stepClock(millis: number): void {
    this.#wallOffsetMicros += millis * 1_000
  }

  /** Takes the time of day back to what it is. */
  correctClock(): void {
    this.#wallOffsetMicros = 0
  }

  /** From now on its clock is fast by so many millionths, negative for slow. */
  setDrift(millionths: number): void {
    this.#monotonicAtDrift = this.monotonicMicros
    this.#driftSinceMicros = this.#world.nowMicros
    this.#drift = millionths
  }

  #begin(program: HostOptions["program"]): Process {
    this.#starts += 1
    const random = this.random.split(`process ${this.#starts}`)
    const process = new Process({
      world: this.#world,
      host: this,
      random,
      stepsMax: random.chance(0.5) ? stepsMost : random.between(stepsLeast, 200),
      onExit: (exit) => {
        this.#world.note(this.name, `exited: ${Exit.isSuccess(exit) ? "done" : causeText(exit.cause)}`)
        this.#ended(process)
      }
    })
    this.#world.note(this.name, `starts, process ${this.#starts}`)
    process.run(program())
    return process
  }

  #killed(process: Process | undefined, end: (process: Process) => void): void {
    if (process === undefined) return
    this.#world.note(this.name, "is killed")
    end(process)
    this.#ended(process)
  }

  #ended(process: Process): void {
    const isLeft = this.#beside !== undefined
    if (this.#beside === process) this.#beside = undefined
    if (this.#process !== process) return
    this.#process = this.#beside
    this.#beside = undefined
    if (isLeft || this.#isDown) return
    this.#pending = this.#world.after(this.#options.restartAfterMillis ?? restartAfterDefault, () => this.start())
  }
}

const causeText = (cause: Cause.Cause<unknown>): string =>
  Cause.hasInterruptsOnly(cause) ? "interrupted" : String(Cause.squash(cause))
