/**
 * Kills a host when what it has sent is committed and it does not know yet: what a kill at any time hardly ever meets.
 *
 * The same happens to the next process and to the one after it, as often as the fault's amount says.
 */
import type { Act } from "../../src/services/simulation/Faults.ts"
import type { World } from "../../src/services/simulation/World.ts"

const killsMax = 4

export class KillsAtCommit {
  readonly #world: World
  readonly #onKill: (host: string) => void
  readonly #left = new Map<string, number>()

  constructor(world: World, onKill: (host: string) => void) {
    this.#world = world
    this.#onKill = onKill
  }

  readonly act: Act = ({ amount, target }) => {
    this.#left.set(target, 1 + Math.floor(amount * killsMax))
    return () => void this.#left.delete(target)
  }

  /** Something new that these hosts have had a part in is stored. */
  committed(...hosts: ReadonlyArray<string>): void {
    for (const name of hosts) {
      const left = this.#left.get(name) ?? 0
      const host = this.#world.hosts.get(name)
      if (left === 0 || host?.process === undefined) continue
      this.#left.set(name, left - 1)
      this.#world.note("world", `kills ${name} at a commit`)
      host.kill()
      this.#onKill(name)
    }
  }
}
