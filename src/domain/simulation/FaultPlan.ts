/**
 * What is done to a world, and when: drawn from a seed and a profile, and a value of its own, so that a plan can be kept,
 * led again and made shorter.
 */
import type { Seeded } from "./Seeded.ts"

export interface Fault {
  /** Such as `kill` or `partition`, see Faults; or one of the world's own. */
  readonly kind: string
  /** A host. */
  readonly target: string
  /** Another host, for what is done to the links between two. */
  readonly other?: string
  readonly atMillis: number
  /** Until it is taken back; 0 for what happens at once. */
  readonly lastsMillis: number
  /** How much of it, from 0 to 1. */
  readonly amount: number
}

export const profiles = ["calm", "rough", "hostile"] as const
export type Profile = (typeof profiles)[number]

interface Rates {
  /** For each ten hosts. */
  readonly perHour: number
  readonly longestMillis: number
  /** How likely one is followed at once by another at the same host: a disk that is slow when the power fails. */
  readonly followed: number
}

const rates: Readonly<Record<Profile, Rates>> = {
  calm: { perHour: 6, longestMillis: 20_000, followed: 0 },
  rough: { perHour: 40, longestMillis: 90_000, followed: 0.15 },
  hostile: { perHour: 150, longestMillis: 180_000, followed: 0.35 }
}

/** Between a fault and the one that follows it, on the average. */
const followsAfterMillis = 3_000

export interface Kind {
  readonly kind: string
  readonly targets: ReadonlyArray<string>
  /** Of these the other host is drawn; none for what concerns one host. */
  readonly others?: ReadonlyArray<string>
  /** How often, beside the others; 1 unless told. */
  readonly weight?: number
  /** It lasts no time. */
  readonly isMoment?: boolean
}

export interface DrawOptions {
  readonly profile: Profile
  readonly kinds: ReadonlyArray<Kind>
  readonly hosts: number
  readonly fromMillis: number
  /** By then the last one is over. */
  readonly untilMillis: number
  /** Of as many as the profile has; all of them unless told. */
  readonly share?: number
}

export const draw = (
  random: Seeded,
  { fromMillis, hosts, kinds, profile, share = 1, untilMillis }: DrawOptions
): ReadonlyArray<Fault> => {
  const { followed, longestMillis, perHour } = rates[profile]
  const everyMillis = 3_600_000 / (share * perHour * Math.max(1, hosts / 10))
  const faults: Array<Fault> = []
  const add = (atMillis: number, among: ReadonlyArray<Kind>): Fault | undefined => {
    const kind = random.pick(among.flatMap((one) => Array.from({ length: one.weight ?? 1 }, () => one)))
    const target = random.pick(kind?.targets ?? [])
    const other = random.pick((kind?.others ?? []).filter((name) => name !== target))
    const lasts = random.next() ** 2 * longestMillis
    if (atMillis >= untilMillis || kind === undefined || target === undefined) return undefined
    if (kind.others !== undefined && other === undefined) return undefined
    const fault: Fault = {
      kind: kind.kind,
      target,
      ...(other === undefined ? {} : { other }),
      atMillis: Math.round(atMillis),
      lastsMillis: kind.isMoment === true ? 0 : Math.round(Math.min(lasts, untilMillis - atMillis)),
      amount: Math.round(random.next() * 1_000) / 1_000
    }
    faults.push(fault)
    return fault
  }
  for (
    let atMillis = fromMillis + random.exponential(everyMillis);
    atMillis < untilMillis;
    atMillis += random.exponential(everyMillis)
  ) {
    let last = add(atMillis, kinds)
    while (last !== undefined && random.chance(followed)) {
      const { atMillis: before, target } = last
      const there = kinds.filter(({ targets }) => targets.includes(target)).map((kind) => ({
        ...kind,
        targets: [target]
      }))
      last = add(before + random.exponential(followsAfterMillis), there)
    }
  }
  return faults.toSorted((one, another) => one.atMillis - another.atMillis)
}

export const textOf = ({ amount, atMillis, kind, lastsMillis, other, target }: Fault): string =>
  `${(atMillis / 1_000).toFixed(3)} s: ${kind} ${target}${other === undefined ? "" : ` ${other}`}` +
  `${lastsMillis === 0 ? "" : ` for ${(lastsMillis / 1_000).toFixed(3)} s`} (${amount})`
