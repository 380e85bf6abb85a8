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

/** Faults an hour for each ten hosts, and how long the longest last. */
const rates: Readonly<Record<Profile, { readonly perHour: number; readonly longestMillis: number }>> = {
  calm: { perHour: 6, longestMillis: 20_000 },
  rough: { perHour: 40, longestMillis: 90_000 },
  hostile: { perHour: 150, longestMillis: 180_000 }
}

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
}

export const draw = (
  random: Seeded,
  { fromMillis, hosts, kinds, profile, untilMillis }: DrawOptions
): ReadonlyArray<Fault> => {
  const { longestMillis, perHour } = rates[profile]
  const everyMillis = 3_600_000 / (perHour * Math.max(1, hosts / 10))
  const weighted = kinds.flatMap((kind) => Array.from({ length: kind.weight ?? 1 }, () => kind))
  const faults: Array<Fault> = []
  for (
    let atMillis = fromMillis + random.exponential(everyMillis);
    atMillis < untilMillis;
    atMillis += random.exponential(everyMillis)
  ) {
    const kind = random.pick(weighted)
    const target = random.pick(kind?.targets ?? [])
    const other = random.pick((kind?.others ?? []).filter((name) => name !== target))
    const lasts = random.next() ** 2 * longestMillis
    if (kind === undefined || target === undefined || (kind.others !== undefined && other === undefined)) continue
    faults.push({
      kind: kind.kind,
      target,
      ...(other === undefined ? {} : { other }),
      atMillis: Math.round(atMillis),
      lastsMillis: kind.isMoment === true ? 0 : Math.round(Math.min(lasts, untilMillis - atMillis)),
      amount: Math.round(random.next() * 1_000) / 1_000
    })
  }
  return faults
}

export const textOf = ({ amount, atMillis, kind, lastsMillis, other, target }: Fault): string =>
  `${(atMillis / 1_000).toFixed(3)} s: ${kind} ${target}${other === undefined ? "" : ` ${other}`}` +
  `${lastsMillis === 0 ? "" : ` for ${(lastsMillis / 1_000).toFixed(3)} s`} (${amount})`
