/** Bytes from a peer as text for people: nothing in it steers a terminal or breaks a store. */
import * as CleanText from "../../../domain/monitoring/reports/CleanText.ts"

const shownMax = 1_024

/** UTF-8 where it is, otherwise every byte as a character. */
export const textOf = (bytes: Uint8Array): string => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString("utf8")
  return text.includes("\ufffd") ? buffer.toString("latin1") : text
}

/** The beginning of it. */
export const shown = (bytes: Uint8Array): string => CleanText.clean(textOf(bytes).slice(0, shownMax))
