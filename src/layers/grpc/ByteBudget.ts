/** Room for bytes that are held in memory, shared by all peers and bounded for each. */

export interface ByteLimits {
  readonly bytesMax: number
  readonly bytesPerPeerMax: number
}

/** Whose room is used up. */
export type Overrun = "peer" | "all"

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/** Without the port: connections of one address share. */
export const addressOf = (peer: string): string => peer.slice(0, Math.max(0, peer.lastIndexOf(":"))) || peer

export class ByteBudget {
  readonly limits: ByteLimits
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(limits: ByteLimits) {
    this.limits = limits
  }

  /** Takes room, all or nothing; what lacks when there is none. */
  take(address: string, bytes: number): Overrun | undefined {
    if ((this.#byAddress.get(address) ?? 0) + bytes > this.limits.bytesPerPeerMax) return "peer"
    if (this.#total + bytes > this.limits.bytesMax) return "all"
    this.#add(address, bytes)
    return undefined
  }

  /** For whoever is turned away; `held` says what the room is used up by. */
  refusalOf(overrun: Overrun, held: Readonly<Record<Overrun, string>>): string {
    const { bytesMax, bytesPerPeerMax } = this.limits
    const limit = mebibytes(overrun === "peer" ? bytesPerPeerMax : bytesMax)
    return `${held[overrun]} take more than ${limit} already: send it again later`
  }

  give(address: string, bytes: number): void {
    this.#add(address, -bytes)
  }

  #add(address: string, bytes: number): void {
    this.#total += bytes
    const now = (this.#byAddress.get(address) ?? 0) + bytes
    if (now === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, now)
  }
}
