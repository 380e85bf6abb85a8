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
const issuedMillis = 20_000
const strideMillis = 5_000
const lateMillis = { least: 5_000, most: 45_000 }
const overMillis = 90_000
/** Nothing but the time stands between those that are over and their use until then. */
const distrustedMillis = 120_000
const lastsMillis = distrustedMillis + strideMillis
/** Between two, so that there are never three authorities. */
const apartMillis = 150_000
/** Of the faults that a profile has, on top. */
const share = 0.4

export const draw = (
  random: Seeded,
  hosts: ReadonlyArray<string>,
  options: Pick<FaultPlan.DrawOptions, "profile" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => {
  let last = -Infinity
  const drawn = FaultPlan.draw(random, {
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
  return [...drawn, ...quiet(random, hosts, options.untilMillis)]
}

/** After the last of the other faults, when their aftermath is nearly over. */
const quietMillis = { least: 65_000, most: 100_000 }

/** Nobody may feel it, so it may be done while all else is left alone, when nothing else can be why a call fails. */
const quiet = (random: Seeded, hosts: ReadonlyArray<string>, fromMillis: number): ReadonlyArray<FaultPlan.Fault> => {
  const atMillis = Math.round(fromMillis + random.between(quietMillis.least, quietMillis.most))
  const target = random.pick(hosts)
  const isDrawn = random.chance(0.5)
  const amount = Math.round(random.next() * 1_000) / 1_000
  return target === undefined || !isDrawn ? [] : [{ kind, target, atMillis, lastsMillis, amount }]
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
      world.after(turn, () => {
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
