/**
 * Regular expressions that are nothing but the text that they look for, as most of those in checks are (`^220 `, `VERSION`):
 * what they match is known without a matcher, in a time that grows with the text alone.
 */

export interface LiteralPattern {
  readonly text: string
  /** It stands at the beginning (`^`). */
  readonly isFirst: boolean
  /** It stands at the end (`$`). */
  readonly isLast: boolean
}

/** Escaped they stand for themselves; alone they mean something. */
const marks = String.raw`[\^$\\.*+?()[\]{}|/\-]`
const literal = new RegExp(String.raw`^(\^?)((?:[^\^$\\.*+?()[\]{}|]|\\${marks})*)(\$?)$`, "s")
const escaped = new RegExp(String.raw`\\(${marks})`, "g")

/** Undefined for one that has to be asked as an expression. */
export const of = (pattern: string): LiteralPattern | undefined => {
  const found = literal.exec(pattern)
  if (found === null) return undefined
  const [, first = "", text = "", last = ""] = found
  return { text: text.replaceAll(escaped, "$1"), isFirst: first !== "", isLast: last !== "" }
}

/** As `RegExp.prototype.test` of the expression without flags. */
export const matches = ({ isFirst, isLast, text }: LiteralPattern, whole: string): boolean => {
  if (isFirst && isLast) return whole === text
  if (isFirst) return whole.startsWith(text)
  return isLast ? whole.endsWith(text) : whole.includes(text)
}
