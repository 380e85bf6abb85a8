/** Whether what core has stored of a check is what its probe found, and whether an agent that is away is known to be. */
import type { ReportedStatus } from "../../src/domain/monitoring/reports/StatusReport.ts"
import type { World } from "../../src/services/simulation/World.ts"
import { type Measurements, numberIn } from "./Measurements.ts"
import * as Agents from "./parties/Agents.ts"
import { mark } from "./parties/IllWill.ts"

/** What somebody of ill will has answered; nobody can know better. */
export const isOfIllWill = (document: string): boolean => document.slice(0, 1_000).includes(mark)

interface Said {
  readonly available: boolean
  readonly atMillis: number
}

export class Truth {
  readonly #world: World
  readonly #measurements: Measurements
  readonly #said = new Map<string, Said>()
  /** Of each poller, when that was measured which it said last, of what is the latest of its check: all before is stored as well. */
  readonly #freshMillis = new Map<string, number>()

  constructor(world: World, measurements: Measurements) {
    this.#world = world
    this.#measurements = measurements
  }

  store(poller: string, { agentId, available, message, serviceName, source }: ReportedStatus): void {
    // Results are of those of ill will alone, and what is made of a stream of theirs need not show it.
    if (isOfIllWill(message) || source === "results") return
    const check = `${agentId}/${serviceName}`
    const number = numberIn(message)
    this.#said.set(check, { available, atMillis: this.#world.nowMillis })
    if (number !== undefined && number === this.#measurements.numberOf(agentId, serviceName)) {
      this.#freshMillis.set(poller, this.#world.nowMillis - this.#measurements.sinceMillis(agentId, serviceName))
    }
    const found = number === undefined ? Agents.isGarbage(message) && available : Agents.isUp(number)
    if (available === found) return
    this.#world.violate(
      "what is stored of a check is what its probe found",
      `${poller} ${check}: ${message.slice(0, 200)}`
    )
  }

  /** The poller has said what was measured later than that, and so all that was before. */
  isFresh(poller: string, sinceMillis: number): boolean {
    return (this.#freshMillis.get(poller) ?? -Infinity) > sinceMillis
  }

  /** Whether the last word of a check was said after that, and was that it is away. */
  isAway(check: string, sinceMillis: number): boolean {
    const said = this.#said.get(check)
    return said !== undefined && said.atMillis > sinceMillis && !said.available
  }
}
