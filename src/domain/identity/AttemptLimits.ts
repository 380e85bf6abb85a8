/** How often somebody at an address may try to sign in: so many at once, then one every few seconds. */
import * as TokenBucket from "../security/TokenBucket.ts"

const limit = { perSecond: 1 / 6, burst: 50 }

/** Addresses that are remembered; the one that was not seen for longest goes first. */
const addressesMax = 10_000

/** Whoever has one IPv6 address has the whole network of 64 bits. */
export const placeOf = (address: string): string => {
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address) ?? []
  if (mapped !== undefined) return mapped
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const groups = head.split(":").filter((group) => group !== "")
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter((group) => group !== "").length
  return [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...(tail ?? "").split(":")]
    .slice(0, 4).join(":").toLowerCase()
}

export interface AttemptLimits {
  /** 0 where one more may be made, which then counts; else milliseconds until then. */
  readonly take: (address: string, nowMillis: number) => number
}

export const make = (): AttemptLimits => {
  const buckets = new Map<string, TokenBucket.TokenBucket>()
  return {
    take: (address, nowMillis) => {
      const place = placeOf(address)
      const bucket = buckets.get(place) ?? TokenBucket.make(limit)
      buckets.delete(place)
      buckets.set(place, bucket)
      const [oldest] = buckets.keys()
      if (buckets.size > addressesMax && oldest !== undefined) buckets.delete(oldest)
      return bucket.take(nowMillis) ? 0 : bucket.retryAfterMillis(nowMillis)
    }
  }
}
