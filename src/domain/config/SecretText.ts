/**
 * Keeps secrets out of what is said about a configuration: values end in logs, tickets and answers.
 *
 * Whoever writes about a file that is wrong does not know what its parts were meant to be, so what may be a secret counts
 * as one.
 */

/** Stands for what is not shown. */
export const redacted = "<redacted>"

const secretKey =
  /pass(?:word|phrase|wd)?|secret|token|credential|authorization|cookie|community|api[-_]?key|private[-_]?key|seed|jwt/i

/** Their values are secrets whatever their own keys are. */
const secretOwner = /^(?:(?:request_?)?headers?|credentials|auth|details|additional|body|runtime_params)$/i

const addressKey = /^(?:url|endpoint)$|webhook/i

/** Of an address, of an entry of cookies, or of the words and values by which databases are named, too. */
const secretParameter =
  /((?:^|[?&;,\s])[^=&;,\s]*(?:pass|pwd|secret|token|key|auth|sig|cred)[^=&;,\s]*\s*=\s*)(?:'[^']*'|"[^"]*"|[^&#;\s"']*)/gi

const withoutParameters = (text: string): string => text.replace(secretParameter, `$1${redacted}`)

/** Name and password, and parameters whose names tell of a secret, out of an address or a list of them. */
export const inAddress = (text: string): string => {
  const scheme = /^[a-z][\w+.-]*:\/\//i.exec(text)?.[0] ?? ""
  // A password in such a parameter may have an @ in it.
  const first = scheme === "" ? withoutParameters(text) : text
  const at = first.lastIndexOf("@")
  return withoutParameters(at === -1 ? first : `${scheme}${redacted}@${first.slice(at + 1)}`)
}

/** Tokens of webhooks stand in their paths. */
const originOf = (text: string): string => {
  const origin = /^(?:[a-z][\w+.-]*:)?\/*[^/?#]*/i.exec(text)?.[0] ?? ""
  return origin.length === text.length ? text : `${origin}/…`
}

/** What may be shown of the text at this place in a document. */
export const shown = (text: string, path: ReadonlyArray<string>): string => {
  if (path.some((part) => secretKey.test(part) || secretOwner.test(part))) return redacted
  // An object that somebody has put in quotes: its keys are not known here.
  if (text.includes("{")) return redacted
  const harmless = inAddress(text)
  return addressKey.test(path.at(-1) ?? "") ? originOf(harmless) : harmless
}
