/**
 * How deep a text of JSON is nested, before anybody reads it: whoever walks down a document by calling himself runs out of
 * stack with one that is nothing but brackets.
 */

/** No monitoring answer is nested like this; every walk has the stack for it. */
export const max = 500

const code = { quote: 0x22, backslash: 0x5c, array: 0x5b, object: 0x7b, arrayEnd: 0x5d, objectEnd: 0x7d }

/** Of a text that is no JSON the answer means nothing. */
export const isDeeperThan = (text: string, depthMax: number): boolean => {
  if (text.length <= depthMax) return false
  let depth = 0
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (isString) {
      if (char === code.backslash) at += 1
      else if (char === code.quote) isString = false
    } else if (char === code.quote) isString = true
    else if (char === code.array || char === code.object) {
      depth += 1
      if (depth > depthMax) return true
    } else if (char === code.arrayEnd || char === code.objectEnd) depth -= 1
  }
  return false
}
