/** The seconds in which nobody else used the machine. Others do not count, unless they are most of all. */
import * as Usage from "./Usage.ts"

/** Of all processors together, in a second. */
const othersMax = 0.1

interface Second {
  readonly fromMillis: number
  readonly toMillis: number
  /** Seconds of processors that others used. */
  readonly others: number
}

const isOwn = ({ others }: Second): boolean => others <= othersMax

/** Looks each second at who uses the machine, until it is told to end. */
export class OwnSeconds {
  readonly #seconds: Array<Second> = []
  readonly #timer: NodeJS.Timeout

  /** `use` tells seconds of processors, of all and of these processes, for who knows better: what has ended is of them, too. */
  constructor(
    processes: ReadonlyArray<number>,
    use: () => { readonly all: number; readonly own: number } = () => ({
      all: Usage.machineCpuSeconds(),
      own: processes.reduce((sum, pid) => sum + Usage.cpuSeconds(pid), 0)
    })
  ) {
    const look = () => ({ atMillis: Date.now(), ...use() })
    let last = look()
    this.#timer = setInterval(() => {
      const now = look()
      this.#seconds.push({
        fromMillis: last.atMillis,
        toMillis: now.atMillis,
        others: now.all - last.all - (now.own - last.own)
      })
      last = now
    }, 1_000)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** Of all seconds, or of those that are looked at. */
  get percent(): number {
    return this.percentOf(() => true)
  }

  percentOf(isWanted: (fromMillis: number) => boolean): number {
    const wanted = this.#seconds.filter(({ fromMillis }) => isWanted(fromMillis))
    return 100 * wanted.filter(isOwn).length / wanted.length
  }

  /** Whether the times count. */
  countingOf(timesMillis: ReadonlyArray<number>): ReadonlyArray<boolean> {
    if (this.percent < 50) return timesMillis.map(() => true)
    const own = this.#seconds.filter(isOwn)
    return timesMillis.map((at) => own.some(({ fromMillis, toMillis }) => at >= fromMillis && at < toMillis))
  }
}
