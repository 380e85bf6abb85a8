/**
 * A world of hosts in virtual time: everything that happens in it follows from its seed.
 *
 * Time stands still while anything is left to run, and then jumps to the next event. Which of several processes that
 * could run has its turn is drawn from the seed, and so is after how many steps their fibers give way: other seeds are
 * other interleavings.
 *
 * All of it runs within one synchronous call, so nothing from outside can come in between. While it does, the machine's
 * clock and randomness are the world's, and to ask for a timer of it is a violation, see RealityGuard.
 */
import { Data } from "effect"
import { Agenda, type Appointment } from "../../domain/simulation/Agenda.ts"
import { EventLog, type LogEntry } from "../../domain/simulation/EventLog.ts"
import { Seeded } from "../../domain/simulation/Seeded.ts"
import { Host, type HostOptions } from "./Host.ts"
import * as RealityGuard from "./RealityGuard.ts"
import type { Runnable, Surroundings } from "./WorldParts.ts"

/** Whom something happened to, and when: the beginnings of what a person wants to see of it. */
export interface About {
  readonly parties: ReadonlyArray<string>
  readonly atMillis: ReadonlyArray<number>
}

/** A promise of the world that does not hold. */
export class Violation extends Data.TaggedError("Violation")<{
  readonly invariant: string
  readonly detail: string
  readonly atMicros: number
  /** Where to look, when that is not where it was noticed. */
  readonly about?: About
}> {
  override get message(): string {
    return `${this.invariant}: ${this.detail}`
  }
}

export interface WorldOptions {
  readonly seed: number | string
  /** Time of day at the beginning. 2030-01-01 unless told. */
  readonly epochMillis?: number
  /** How many of the latest events are kept; 2,000 unless told. */
  readonly kept?: number
  readonly onEvent?: (entry: LogEntry) => void
}

const epochDefault = Date.UTC(2030, 0, 1)

/** Tasks that run without time passing, after which a process keeps itself busy without waiting for anything. */
const tasksMax = 2_000_000

/** With the place where it was thrown. */
export const thrownText = (cause: unknown): string =>
  cause instanceof Error ? [cause.message, cause.stack?.split("\n")[1]?.trim() ?? ""].join(" ").trim() : String(cause)

export class World implements Surroundings {
  readonly seed: string
  readonly random: Seeded
  readonly log: EventLog
  readonly epochMicros: number
  readonly hosts = new Map<string, Host>()
  readonly #agenda = new Agenda()
  readonly #turns: Seeded
  readonly #stray: Seeded
  readonly #watches: Array<() => Violation | undefined> = []
  #ready: Array<Runnable> = []
  #nowMicros = 0
  #steps = 0
  #violation: Violation | undefined

  /** Throws when the seed is none that a text gives back: `NaN` is one seed and looks like many. */
  constructor({ epochMillis = epochDefault, kept, onEvent, seed }: WorldOptions) {
    if (typeof seed === "number" && !Number.isFinite(seed)) {
      throw new Error(`seed is ${seed}, expected a number or text`)
    }
    this.seed = `${seed}`
    this.epochMicros = epochMillis * 1_000
    this.random = new Seeded(this.seed)
    this.#turns = this.random.split("turns")
    this.#stray = this.random.split("stray")
    this.log = new EventLog({
      ...(kept === undefined ? {} : { kept }),
      ...(onEvent === undefined ? {} : { onEntry: onEvent })
    })
  }

  /** Since the beginning. */
  get nowMicros(): number {
    return this.#nowMicros
  }

  get nowMillis(): number {
    return this.#nowMicros / 1_000
  }

  /** Moments at which something happened. */
  get steps(): number {
    return this.#steps
  }

  note(party: string, text: string, peer?: string): void {
    this.log.add({ atMicros: this.#nowMicros, party, peer, text })
  }

  after(millis: number, act: () => void): Appointment {
    return this.afterMicros(Math.ceil(millis * 1_000), act)
  }

  afterMicros(micros: number, act: () => void): Appointment {
    return this.#agenda.add(this.#nowMicros + Math.max(0, micros), act)
  }

  /** Throws when a host has the name already: whoever dials it would reach one of two. */
  addHost(name: string, options: HostOptions): Host {
    if (this.hosts.has(name)) throw new Error(`host ${name} is there already`)
    const host = new Host(this, name, options)
    this.hosts.set(name, host)
    return host
  }

  /** Asked after each moment; what it answers ends the run. */
  watch(invariant: string, broken: () => string | undefined): void {
    this.#watches.push(() => {
      const detail = broken()
      return detail === undefined ? undefined : this.#broken(invariant, detail)
    })
  }

  /** For whoever sees at once that something is wrong. The run ends with this moment. */
  violate(invariant: string, detail: string): void {
    this.#violation ??= this.#broken(invariant, detail)
  }

  hasWork(process: Runnable): void {
    if (!process.isPaused && !this.#ready.includes(process)) this.#ready.push(process)
  }

  /**
   * Until the world is so old; the violation that ended it before, if one did. What is thrown outside of an Effect is one,
   * too: a seed that has led there is as good as any other.
   */
  runUntil(millis: number): Violation | undefined {
    return RealityGuard.within({
      millis: () => this.#nowMicros / 1_000,
      epochMillis: this.epochMicros / 1_000,
      random: () => this.#stray.next(),
      onLeak: (leak) => this.violate("nobody asks for a timer of the machine", thrownText(leak))
    }, () => {
      try {
        this.#goOn(Math.ceil(millis * 1_000))
      } catch (cause) {
        this.violate("nothing is thrown outside of an Effect", thrownText(cause))
      }
      return this.#violation
    })
  }

  #goOn(endMicros: number): void {
    while (this.#violation === undefined) {
      this.#settle()
      this.#look()
      const next = this.#agenda.nextMicros
      if (this.#violation !== undefined || next === undefined || next > endMicros) break
      this.#nowMicros = Math.max(this.#nowMicros, next)
      this.#steps += 1
      while (this.#agenda.nextMicros === next) this.#agenda.take()?.()
    }
    if (this.#violation === undefined) this.#nowMicros = Math.max(this.#nowMicros, endMicros)
  }

  /** Runs what is left to run without time passing. */
  #settle(): void {
    let tasks = 0
    while (this.#ready.length > 0) {
      const index = this.#ready.length === 1 ? 0 : this.#turns.between(0, this.#ready.length - 1)
      const [process] = this.#ready.splice(index, 1)
      if (process === undefined) return
      tasks += process.hasWork ? process.turn() : 0
      if (tasks > tasksMax) return this.violate("every process waits for something", `${process.name} never does`)
    }
  }

  #look(): void {
    for (const watch of this.#watches) {
      const violation = watch()
      if (violation === undefined) continue
      this.#violation ??= violation
      return
    }
  }

  #broken(invariant: string, detail: string): Violation {
    return new Violation({ invariant, detail, atMicros: this.#nowMicros })
  }
}
