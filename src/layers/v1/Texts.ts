/** What others write into addresses and bodies: without NUL, which no text of the database holds, and which so names nothing. */
export const withoutNul = (text: string): string => text.replaceAll("\0", "\uFFFD")

export const query = (given: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...given].map(([name, text]): [string, string] => [name, withoutNul(text)]))

/** Of JSON, where it is written as an escape. */
export const body = (json: string): string => withoutNul(json).replaceAll("\\u0000", "\\ufffd")
