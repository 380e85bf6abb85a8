/**
 * Numbers as publishers write them in text, without losing a digit.
 *
 * Read are decimals with or without fraction and exponent, whole numbers in hex (`0x1b`), and the words for what is no
 * number (`NaN`) and for the infinities. Text that only begins with a number is none: `1.5ms` is not 1.5.
 */

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/
const hex = /^([+-]?)(0[xX][\da-fA-F]{1,64})$/

/** More digits than any number has that is meant as one. */
const digitsMax = 400

const words: ReadonlyMap<string, number> = new Map(
  (["nan", "inf", "infinity"] as const).flatMap((word) => {
    const value = word === "nan" ? Number.NaN : Number.POSITIVE_INFINITY
    return [[word, value], [`+${word}`, value], [`-${word}`, -value]] as const
  })
)

/** `text` times ten to the power of `power`, cut to a whole number; none when it is no finite number. */
export const scaled = (text: string, power: number): bigint | undefined => {
  const trimmed = text.trim()
  if (trimmed.length > digitsMax) return undefined
  const found = decimal.exec(trimmed)
  if (found === null) return power === 0 ? fromHex(trimmed) : undefined
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found
  const digits = whole + fraction
  if (digits === "") return undefined
  const shift = Number(exponent) - fraction.length + power
  if (Math.abs(shift) > digitsMax) return /^0*$/.test(digits) ? 0n : undefined
  const value = BigInt(shift >= 0 ? digits + "0".repeat(shift) : digits.slice(0, shift) || "0")
  return sign === "-" ? -value : value
}

const fromHex = (text: string): bigint | undefined => {
  const [, sign = "", digits] = hex.exec(text) ?? []
  return digits === undefined ? undefined : sign === "-" ? -BigInt(digits) : BigInt(digits)
}

/** A whole number, with all of its digits; a fraction is cut off. */
export const whole = (value: string | number): bigint | undefined =>
  typeof value === "string" ? scaled(value, 0) : Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined

/** The nearest double; none for text that is no number, or one beyond the largest double. */
export const float = (text: string): number | undefined => {
  const trimmed = text.trim()
  if (trimmed.length > digitsMax) return undefined
  if (/\d/.test(trimmed)) {
    if (decimal.test(trimmed)) {
      const read = Number(trimmed)
      return Number.isFinite(read) ? read : undefined
    }
    const read = fromHex(trimmed)
    return read === undefined ? undefined : Number(read)
  }
  return words.get(trimmed.toLowerCase())
}
