/**
 * What a device said of an OID, as a value of JSON, and how fast a counter counts.
 *
 * Counters of 64 bits keep every digit. A counter that has passed its end goes on from zero, which is no fall; one of a
 * device that was restarted meanwhile has no rate until it was read twice again.
 */
import type { AskedOid } from "./SnmpTarget.ts"

/** As it came: a number as a bigint, text as bytes, an OID or an address as text. */
export type Raw = bigint | Uint8Array | string | boolean | null

export interface Reading {
  readonly raw: Raw
  /** 32 or 64 of a counter; 0 of anything else. */
  readonly counterBits: 0 | 32 | 64
}

/** Of one OID at one time. */
export interface Sample {
  readonly value: bigint
  readonly atNanos: bigint
  /** Hundredths of a second since the device was started; undefined where it did not say. */
  readonly uptime: bigint | undefined
}

const decoder = new TextDecoder("utf-8", { fatal: true })

// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

/** As text where it is some, else as hexadecimal octets: `00:1a:…`. */
const textOf = (bytes: Uint8Array): string => {
  try {
    const text = decoder.decode(bytes)
    if (!unprintable.test(text)) return text
  } catch {
    // No UTF-8: shown as octets.
  }
  return hexOf(bytes)
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":")

/** JSON's number for what JavaScript's cannot hold: see `ExactJson`. */
const exact = (value: bigint): number | string => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : `\u0000number:${value}`
}

const scaled = (value: bigint, scale: number | undefined): number | string =>
  scale === undefined || scale === 1 || scale === 0 ? exact(value) : Number(value) * scale

const numberIn = (text: string): number | undefined => {
  const number = Number(text.trim())
  return text.trim() === "" || !Number.isFinite(number) ? undefined : number
}

/** What is told of it; the reading before, where the difference is asked for. */
export const valueOf = (
  { delta, scale, type }: Pick<AskedOid, "delta" | "scale" | "type">,
  { counterBits, raw }: Reading,
  before?: Sample
): unknown => {
  if (raw === null) return null
  if (typeof raw === "boolean") return raw
  if (typeof raw === "bigint") {
    if (type === "boolean") return raw !== 0n
    if (type === "string") return raw.toString()
    if (delta !== true) return scaled(raw, scale)
    return before === undefined ? 0 : scaled(difference(before.value, raw, counterBits), scale)
  }
  const text = typeof raw === "string" ? raw : type === "bytes" ? hexOf(raw) : textOf(raw)
  if (type === "float" || type === "gauge" || type === "counter") {
    const number = numberIn(text)
    return number === undefined ? text : number * (scale === undefined || scale === 0 ? 1 : scale)
  }
  return text
}

const difference = (before: bigint, now: bigint, counterBits: Reading["counterBits"]): bigint =>
  now >= before || counterBits === 0 ? now - before : now - before + 2n ** BigInt(counterBits)

/** `sysUpTime` passes its own end after 497 days. */
const uptimeEnd = 2n ** 32n
/** Hundredths of a second by which a device may be off, beside a tenth of the time between two readings. */
const uptimeOff = 500n

/** Whether the device has counted on from one reading to the next, as far as it is known. */
const isRestarted = (before: Sample, now: Sample): boolean => {
  if (before.uptime === undefined || now.uptime === undefined || now.uptime >= before.uptime) return false
  const passed = (now.atNanos - before.atNanos) / 10_000_000n
  const counted = (now.uptime + uptimeEnd - before.uptime) % uptimeEnd
  return counted > passed + passed / 10n + uptimeOff
}

/**
 * Whether the later reading goes on from the one before. A counter that has fallen has passed its end, or began anew:
 * where the device does not say how long it is up, and always of 64 bits, more than half of the way round is no growth.
 */
export const isContinued = (before: Sample, now: Sample, counterBits: Reading["counterBits"]): boolean => {
  if (counterBits === 0) return true
  if (isRestarted(before, now)) return false
  if (now.value >= before.value) return true
  const isKnownToGoOn = counterBits === 32 && before.uptime !== undefined && now.uptime !== undefined
  return isKnownToGoOn || difference(before.value, now.value, counterBits) < 2n ** BigInt(counterBits - 1)
}

/** In a second; undefined where two readings say nothing of it. */
export const rateOf = (
  before: Sample | undefined,
  now: Sample,
  counterBits: Reading["counterBits"]
): number | undefined => {
  if (before === undefined || counterBits === 0 || now.atNanos <= before.atNanos) return undefined
  if (!isContinued(before, now, counterBits)) return undefined
  const seconds = Number(now.atNanos - before.atNanos) / 1e9
  return Number(difference(before.value, now.value, counterBits)) / seconds
}
