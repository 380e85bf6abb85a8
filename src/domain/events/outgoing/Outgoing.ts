/** Messages that a program publishes about itself: a subject and a JSON document. */

export interface Outgoing {
  readonly subject: string
  readonly data: Uint8Array
}

const utf8 = new TextEncoder()

export const json = (subject: string, document: Readonly<Record<string, unknown>>): Outgoing => ({
  subject,
  data: utf8.encode(JSON.stringify(document))
})

const tokenLengthMax = 64

/** A name as one token of a subject: names may hold dots, blanks and wildcards, tokens must not. */
export const token = (name: string): string => name.replaceAll(/[^\w-]/g, "_").slice(0, tokenLengthMax) || "_"
