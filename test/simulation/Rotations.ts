/**
 * Certificates that are renewed while programs run: first the new authority is trusted beside the old one, then each host has a
 * certificate of it, one of them late, then the old ones are over and their authority is trusted no longer.
 *
 * Their randomness is their own, so that the other faults of a seed are the same with them and without.
 */
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import type { Act } from "../../src/services/simulation/Faults.ts"
import type { World } from "../../src/services/simulation/World.ts"
import type { Certificates } from "./parties/Certificates.ts"

export const kind = "certificateRotated"

/** The target is late. */
export const kinds = (hosts: ReadonlyArray<string>): ReadonlyArray<FaultPlan.Kind> => [{ kind, targets: hosts }]

/** After its beginning. An operator goes from host to host for `strideMillis`. */
const trustedMillis = 0
const issuedMillis = 20_000
const strideMillis = 5_000
const lateMillis = { least: 5_000, most: 45_000 }
const overMillis = 90_000
const distrustedMillis = 95_000
const lastsMillis = distrustedMillis + strideMillis
/** Between two, so that there are never three authorities. */
const apartMillis = 130_000
/** Of the faults that a profile has, on top. */
const share = 0.4

export const draw = (
  random: Seeded,
  hosts: ReadonlyArray<string>,
  options: Pick<FaultPlan.DrawOptions, "profile" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => {
  let last = -Infinity
  return FaultPlan.draw(random, {
    ...options,
    untilMillis: options.untilMillis - lastsMillis,
    hosts: hosts.length,
    kinds: kinds(hosts),
    share
  }).flatMap((fault) => {
    if (fault.atMillis - last < apartMillis) return []
    last = fault.atMillis
    return [{ ...fault, lastsMillis }]
  })
}

/** When the certificates of each authority but the last are over. */
export const overs = (plan: ReadonlyArray<FaultPlan.Fault>): ReadonlyArray<number> =>
  plan.filter((fault) => fault.kind === kind).map(({ atMillis }) => atMillis + overMillis)

export const act = (world: World, certificates: Certificates): Act => {
  const { holders } = certificates
  let authority = 0
  return ({ amount, target }) => {
    const before = authority
    authority += 1
    const next = authority
    for (const [at, holder] of holders.entries()) {
      const turn = strideMillis * at / holders.length
      const late = holder.name === target ? lateMillis.least + amount * (lateMillis.most - lateMillis.least) : 0
      const note = (text: string) => world.note(holder.name, text)
      world.after(trustedMillis + turn, () => {
        certificates.trust(holder, [before, next])
        note(`trusts authority ${next}, too`)
      })
      world.after(issuedMillis + turn + late, () => {
        certificates.issue(holder, next)
        note(`has a certificate of authority ${next}`)
      })
      world.after(distrustedMillis + turn, () => {
        certificates.trust(holder, [next])
        note(`trusts authority ${next} alone`)
      })
    }
  }
}
