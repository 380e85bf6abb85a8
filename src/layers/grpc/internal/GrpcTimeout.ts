/** `grpc-timeout`: at most eight digits and a unit. */
import { Option } from "effect"

const digitsMax = 99_999_999

const unitMillis: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6
}

/** Milliseconds; none when the text is not a timeout. */
export const parse = (text: string): Option.Option<number> => {
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? []
  const factor = unitMillis[unit]
  return digits === undefined || factor === undefined ? Option.none() : Option.some(Number(digits) * factor)
}

/** In the finest unit that has room for it, rounded up: the peer must not give up before we do. */
export const format = (millis: number): string => {
  if (millis <= digitsMax) return `${Math.ceil(millis)}m`
  const seconds = Math.ceil(millis / 1_000)
  return seconds <= digitsMax ? `${seconds}S` : `${Math.min(digitsMax, Math.ceil(seconds / 3_600))}H`
}
