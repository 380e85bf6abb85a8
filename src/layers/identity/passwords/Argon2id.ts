/** argon2id by Node, in its own threads, from 24.7 on; by `hash-wasm` in a thread of ours before. Both give the same bytes. */
import { Effect } from "effect"
import * as crypto from "node:crypto"
import type { Cost } from "../../../domain/identity/Password.ts"
import { PasswordsBusy } from "../../../services/identity/Passwords.ts"
import * as PasswordThread from "./PasswordThread.ts"

export interface Hashing extends Cost {
  readonly password: string
  readonly salt: Uint8Array
  /** In bytes. */
  readonly length: number
}

export type Argon2id = (hashing: Hashing) => Effect.Effect<Buffer, PasswordsBusy>

/** Unknown to the types of older versions, and absent there. */
export const isInNode = (): boolean => typeof Reflect.get(crypto, "argon2") === "function"

export const byNode: Argon2id = ({ lanes, length, memoryKib, passes, password, salt }) =>
  Effect.callback((resume) => {
    crypto.argon2("argon2id", {
      message: password,
      nonce: salt,
      parallelism: lanes,
      tagLength: length,
      memory: memoryKib,
      passes
    }, (error, hash) =>
      resume(error === null ? Effect.succeed(hash) : Effect.fail(new PasswordsBusy({ detail: error.message }))))
  })

export const byThread: Argon2id = ({ lanes, length, memoryKib, passes, password, salt }) =>
  Effect.map(
    PasswordThread.argon2id({
      password,
      salt,
      parallelism: lanes,
      iterations: passes,
      memorySize: memoryKib,
      hashLength: length
    }),
    (hex) => Buffer.from(hex, "hex")
  )

export const best = (): Argon2id => isInNode() ? byNode : byThread
