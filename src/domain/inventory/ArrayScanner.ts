/**
 * Finds the elements of one array inside a large JSON object, as its bytes arrive.
 *
 * Only brackets and quotes are looked at: whether an element is valid JSON is decided by whoever parses it. What stands
 * outside the array is kept, with `[]` in its place, so that the object around it can be parsed as it is. Neither the
 * text of an element nor that of the rest can grow without a limit: an element that is too long is passed over.
 */
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const opening = { brace: 0x7b, bracket: 0x5b }
const closing = { brace: 0x7d, bracket: 0x5d }

export interface ScannerLimits {
  /** Bytes of one element. */
  readonly elementBytesMax: number
  /** Bytes of all that stands outside the array. */
  readonly restBytesMax: number
}

export interface ArrayScanner {
  /** Takes the next bytes; false when what stands outside the array breaks its limit, or the brackets make no sense. */
  readonly push: (bytes: Uint8Array) => boolean
  /** The object without the elements; undefined when the text is not over. */
  readonly end: () => string | undefined
}

const decoder = new TextDecoder()

const joined = (parts: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** `path` are the keys that lead from the document to the array, such as `data`, `results`. */
export const make = (
  path: ReadonlyArray<string>,
  limits: ScannerLimits,
  /** Undefined stands for an element above the limit. */
  onElement: (text: string | undefined) => void
): ArrayScanner => {
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isArray = false
  let elementDepth = 0
  let isBroken = false
  /** Keys of the objects around the current place, by depth. */
  const keys: Array<string> = []
  let isKey = false
  let stringParts: Array<Uint8Array> = []
  let parts: Array<Uint8Array> = []
  let partsLength = 0
  const rest: Array<Uint8Array> = []
  let restLength = 0

  const keep = (bytes: Uint8Array, from: number, to: number): void => {
    if (to <= from) return
    if (isArray) {
      partsLength += to - from
      if (partsLength > limits.elementBytesMax) parts = []
      else parts.push(bytes.slice(from, to))
    } else {
      rest.push(bytes.slice(from, to))
      restLength += to - from
      if (restLength > limits.restBytesMax) isBroken = true
    }
  }

  const flush = (): void => {
    const isTooLong = partsLength > limits.elementBytesMax
    const text = isTooLong ? undefined : decoder.decode(joined(parts, partsLength)).trim()
    parts = []
    partsLength = 0
    if (text !== "") onElement(text)
  }

  const isAtPath = (): boolean => depth === path.length && path.every((key, index) => keys[index + 1] === key)

  const push = (bytes: Uint8Array): boolean => {
    let from = 0
    let stringFrom = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]
      if (isInString) {
        if (isEscaped) isEscaped = false
        else if (byte === backslash) isEscaped = true
        else if (byte === quote) {
          isInString = false
          if (isKey) {
            stringParts.push(bytes.slice(stringFrom, at))
            keys[depth] = decoder.decode(joined(stringParts, stringParts.reduce((sum, part) => sum + part.length, 0)))
            stringParts = []
            isKey = false
          }
        }
        continue
      }
      switch (byte) {
        case quote:
          isInString = true
          isKey = !isArray && depth > 0 && depth <= path.length && keys[depth] === undefined
          stringFrom = at + 1
          break
        case comma:
          if (isArray && depth === elementDepth) {
            keep(bytes, from, at)
            from = at + 1
            flush()
          } else if (!isArray && depth <= path.length) keys.length = depth
          break
        case colon:
          break
        case opening.brace:
          depth += 1
          keys.length = Math.min(keys.length, depth)
          break
        case opening.bracket:
          if (!isArray && isAtPath()) {
            keep(bytes, from, at + 1)
            from = at + 1
            isArray = true
            depth += 1
            elementDepth = depth
          } else {
            depth += 1
            // Nothing inside another array is a key on the way.
            if (!isArray) keys[depth] = ""
          }
          break
        case closing.bracket:
          if (isArray && depth === elementDepth) {
            keep(bytes, from, at)
            from = at
            flush()
            isArray = false
          }
          depth -= 1
          break
        case closing.brace:
          depth -= 1
          break
      }
      if (isBroken || depth < 0) return false
    }
    if (isInString && isKey) stringParts.push(bytes.slice(stringFrom))
    keep(bytes, from, bytes.length)
    return !isBroken
  }

  return {
    push,
    end: () => isArray || isInString || depth !== 0 ? undefined : decoder.decode(joined(rest, restLength))
  }
}
