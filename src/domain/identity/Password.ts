/**
 * What a password may be, and the two forms in which one is kept: `$argon2id$…`, which is ours, and `$2a$…`, bcrypt, of the
 * existing system, which becomes ours when its owner signs in.
 */

/** In bytes of UTF-8; bcrypt looks at no more than 72. */
export const bytesMin = 12
export const bytesMax = 72

/** What is wrong with a password that somebody wants to have. */
export const problem = (password: string): string | undefined => {
  const bytes = new TextEncoder().encode(password).length
  if (!password.isWellFormed() || password.includes("\0")) return "holds characters that no password can have"
  if (bytes < bytesMin) return `is shorter than ${bytesMin} bytes`
  return bytes > bytesMax ? `is longer than ${bytesMax} bytes` : undefined
}

/** What a guess costs: 19 MiB and two passes over them, see OWASP's Password Storage Cheat Sheet. */
export interface Cost {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

export const cost: Cost = { memoryKib: 19_456, passes: 2, lanes: 1 }

/** In bytes. */
export const saltLength = 16
export const hashLength = 32

export interface Argon2id extends Cost {
  readonly _tag: "Argon2id"
  /** In base64 without padding. */
  readonly salt: string
  readonly hash: string
}

export interface Bcrypt {
  readonly _tag: "Bcrypt"
  readonly text: string
}

export type Kept = Argon2id | Bcrypt

const argon2id = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/
const bcrypt = /^\$2[aby]\$(?:0[4-9]|1[0-8])\$[./A-Za-z0-9]{53}$/

/** Undefined for what is neither: nobody signs in with it. */
export const parse = (text: string): Kept | undefined => {
  if (bcrypt.test(text)) return { _tag: "Bcrypt", text }
  const [, memory, passes, lanes, salt, hash] = argon2id.exec(text) ?? []
  return salt === undefined || hash === undefined ? undefined : {
    _tag: "Argon2id",
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt,
    hash
  }
}

export const format = ({ hash, lanes, memoryKib, passes, salt }: Omit<Argon2id, "_tag">): string =>
  `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${salt}$${hash}`

/** Whether a guess costs as much as it does today. */
export const isCurrent = (kept: Kept): boolean =>
  kept._tag === "Argon2id" && kept.memoryKib === cost.memoryKib && kept.passes === cost.passes &&
  kept.lanes === cost.lanes
