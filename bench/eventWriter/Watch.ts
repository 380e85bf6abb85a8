/** Looks at the processes while a scenario runs: their CPU, and the writers' memory each second. */
import type { ChildProgram } from "../processes/ChildProgram.ts"
import * as Usage from "../processes/Usage.ts"
import type { Servers } from "./Servers.ts"

export interface Cpu {
  readonly writer: number
  readonly nats: number
  readonly postgres: number
}

export interface Memory {
  readonly max: number
  readonly firstThird: number
  readonly lastThird: number
}

export interface Watched {
  /** Seconds of CPU. */
  readonly cpu: Cpu
  /** Of the largest writer. */
  readonly memoryMegabytes: Memory
}

const cpuOf = (servers: Servers, writers: ReadonlyArray<ChildProgram>): Cpu => ({
  writer: writers.reduce((sum, { pid }) => sum + Usage.cpuSeconds(pid), 0),
  nats: Usage.cpuSeconds(servers.nats.pid),
  postgres: Usage.cpuSeconds(servers.postgresPid())
})

const round = (value: number): number => Math.round(value * 100) / 100

const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length)

/** Looks at the writers' memory each second until it is asked for. */
export const memory = (writers: ReadonlyArray<ChildProgram>): () => Memory => {
  const samples: Array<number> = []
  const sample = () => samples.push(Math.max(...writers.map(({ pid }) => Usage.residentMegabytes(pid))))
  const timer = setInterval(sample, 1_000)
  return () => {
    clearInterval(timer)
    sample()
    const third = Math.ceil(samples.length / 3)
    return {
      max: Math.round(Math.max(...samples)),
      firstThird: mean(samples.slice(0, third)),
      lastThird: mean(samples.slice(-third))
    }
  }
}

export const start = (servers: Servers, writers: ReadonlyArray<ChildProgram>): () => Watched => {
  const before = cpuOf(servers, writers)
  const memorySeen = memory(writers)
  return () => {
    const after = cpuOf(servers, writers)
    return {
      cpu: {
        writer: round(after.writer - before.writer),
        nats: round(after.nats - before.nats),
        postgres: round(after.postgres - before.postgres)
      },
      memoryMegabytes: memorySeen()
    }
  }
}
