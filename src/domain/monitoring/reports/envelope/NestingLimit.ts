/**
 * How deep a message may be nested. The existing core reads no JSON beyond 10,000 levels, PostgreSQL keeps none beyond some
 * 6,000, and whoever cannot read a message cannot read the envelope around it either.
 */
const levelsMax = 1_000

const quote = 0x22
const backslash = 0x5c
const isOpening = (unit: number): boolean => unit === 0x7b || unit === 0x5b
const isClosing = (unit: number): boolean => unit === 0x7d || unit === 0x5d

/** Of a text that is JSON; of any other it says nothing that counts. */
export const isPassed = (json: string): boolean => {
  if (json.length <= levelsMax) return false
  let levels = 0
  let isInText = false
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at)
    if (isInText) {
      if (unit === backslash) at += 1
      else if (unit === quote) isInText = false
    } else if (unit === quote) isInText = true
    else if (isOpening(unit)) {
      levels += 1
      if (levels > levelsMax) return true
    } else if (isClosing(unit)) levels -= 1
  }
  return false
}
