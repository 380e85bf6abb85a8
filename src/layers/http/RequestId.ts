/** What a request is called in its answer, the log and the audit: as whoever asks calls it, where that is harmless. */
import * as crypto from "node:crypto"

export const of = (headers: Readonly<Record<string, string | undefined>>): string => {
  const given = headers["x-request-id"]
  return given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}
