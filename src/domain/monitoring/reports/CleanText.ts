/**
 * Text that every database and JSON reader between here and a screen takes: well-formed Unicode without NUL.
 *
 * The existing core loses a poller's whole batch of statuses over one NUL or one byte that is no UTF-8, and `jsonb`
 * refuses both as escapes too.
 */
const replacement = "\uFFFD"

/** Plain text; what cannot be kept becomes U+FFFD. */
export const clean = (text: string): string => {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", replacement) : wellFormed
}

/** Whether it can travel as it is: names do, and the existing core loses all statuses that came with one that cannot. */
export const isKept = (text: string): boolean => clean(text) === text

/** What steers a terminal, or begins a line of its own in a log. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for here.
export const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text)

const suspicious = /\\u(?:0000|[dD][89a-fA-F])/
/** A pair of surrogates, half of one, NUL, or any other escape, so that `\\u0000` behind a backslash is left alone. */
const escape = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|u0000|[^])/g

const cleanEscape = (found: string): string => found.length === 6 && suspicious.test(found) ? "\\ufffd" : found

/** The text of a JSON document, with the same value but for what cannot be kept. */
export const cleanJson = (text: string): string => suspicious.test(text) ? text.replace(escape, cleanEscape) : text

/** Whether a JSON document that was read from bytes has nothing to replace, and its bytes had not either. */
export const isClean = (text: string): boolean => !text.includes(replacement) && !suspicious.test(text)
