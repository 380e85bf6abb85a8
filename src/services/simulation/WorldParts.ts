/** What the parts of a world know of one another. */
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Seeded } from "../../domain/simulation/Seeded.ts"

/** A process as the world sees it. */
export interface Runnable {
  readonly name: string
  readonly isPaused: boolean
  readonly hasWork: boolean
  /** Runs what is left to run now; how many tasks. */
  readonly turn: () => number
}

/** The world as its hosts, processes and models see it. */
export interface Surroundings {
  readonly nowMicros: number
  readonly epochMicros: number
  readonly random: Seeded
  readonly after: (millis: number, act: () => void) => Appointment
  readonly afterMicros: (micros: number, act: () => void) => Appointment
  readonly note: (party: string, text: string, peer?: string) => void
  readonly hasWork: (process: Runnable) => void
}

/** A host as its processes see it. */
export interface Machine {
  readonly name: string
  readonly wallMicros: number
  readonly monotonicMicros: number
  /** How long `millis` on this host's clock are in the world, in microseconds. */
  readonly worldMicrosOf: (millis: number) => number
}
