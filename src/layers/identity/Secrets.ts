/** What somebody shows to be somebody: random bytes, mostly 32, of which only the SHA-256 is kept. */
import * as crypto from "node:crypto"

/** In base64url; 43 characters, unless told otherwise. */
export const random = (bytes: number = 32): string => crypto.randomBytes(bytes).toString("base64url")

export const form = /^[A-Za-z0-9_-]{43}$/

/** In lower-case hex. */
export const hashOf = (secret: string): string => crypto.createHash("sha256").update(secret).digest("hex")

/** Takes as long for what is nearly right as for what is not. */
export const isSame = (given: string, expected: string): boolean =>
  crypto.timingSafeEqual(
    crypto.createHash("sha256").update(given).digest(),
    crypto.createHash("sha256").update(expected).digest()
  )
