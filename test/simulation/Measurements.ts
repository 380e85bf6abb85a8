/** What the targets of a world were measured to be, each time with the next number of its check. */

interface CheckRecord {
  number: number
  measuredMillis: number
}

export class Measurements {
  readonly #nowMillis: () => number
  readonly #checks = new Map<string, CheckRecord>()
  count = 0
  /** Told of each, and of how long after the one before of the same check it comes. */
  onMeasured: (agentId: string, check: string, sinceMillis: number) => void = () => {}

  constructor(nowMillis: () => number) {
    this.#nowMillis = nowMillis
  }

  measured(agentId: string, check: string): number {
    const key = `${agentId}/${check}`
    this.onMeasured(agentId, check, this.sinceMillis(agentId, check))
    const record = this.#checks.get(key) ?? { number: 0, measuredMillis: 0 }
    record.number += 1
    record.measuredMillis = this.#nowMillis()
    this.#checks.set(key, record)
    this.count += 1
    return record.number
  }

  /** Of the last one; 0 before the first. */
  numberOf(agentId: string, check: string): number {
    return this.#checks.get(`${agentId}/${check}`)?.number ?? 0
  }

  /** Since the last one of that check; infinite before the first. */
  sinceMillis(agentId: string, check: string): number {
    const record = this.#checks.get(`${agentId}/${check}`)
    return record === undefined ? Infinity : this.#nowMillis() - record.measuredMillis
  }
}

/** The number in a status's document; undefined in one of a check that could not be made. */
export const numberIn = (document: string): number | undefined => {
  const found = /"measurement":\s*(\d+)/.exec(document)?.[1]
  return found === undefined ? undefined : Number(found)
}
