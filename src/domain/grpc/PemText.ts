/** PEM: which blocks a text has, and what is wrong with one that should have some. */

export interface PemBlock {
  /** For example `CERTIFICATE`. */
  readonly label: string
  readonly text: string
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----BEGIN )[^])*?-----END \1-----/g
const beginning = /-----BEGIN [A-Z0-9 ]+-----/g

/** In their order, those that have an end. */
export const blocksOf = (text: string): ReadonlyArray<PemBlock> =>
  [...text.matchAll(block)].map(([text, label = ""]) => ({ label, text }))

/** What a sequence of ASN.1 begins with, also after it was read as text. */
const isDer = (text: string): boolean => /^0[\u0080-\uffff]/.test(text)

/** Undefined when all its blocks are whole, and there is one. Half a bundle would be other roots than were meant. */
export const troubleOf = (text: string): string | undefined => {
  const begun = text.match(beginning)?.length ?? 0
  if (begun === 0) {
    return isDer(text)
      ? "holds no PEM block: it is DER (binary), which `openssl x509 -inform DER` or `openssl pkey -inform DER` turns into PEM"
      : "holds no PEM block"
  }
  return blocksOf(text).length < begun ? "ends within a PEM block: it is not written to its end" : undefined
}

/** With a passphrase, for which there is nobody to ask. */
export const isEncryptedKey = (text: string): boolean =>
  /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)
