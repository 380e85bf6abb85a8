/**
 * Passwords as argon2id, and those of the existing system as bcrypt. Two at a time are worked on, outside the thread that does
 * everything else, and a few wait: whoever comes then is told so at once.
 */
import { Effect, Layer, Redacted, Semaphore } from "effect"
import * as crypto from "node:crypto"
import * as Password from "../../../domain/identity/Password.ts"
import { Passwords, PasswordsBusy } from "../../../services/identity/Passwords.ts"
import * as Secrets from "../Secrets.ts"
import * as Argon2id from "./Argon2id.ts"
import * as PasswordThread from "./PasswordThread.ts"

const atOnce = 2
/** Some two seconds of work. */
const waitingMax = 30

const base64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "")

const make = (argon2id: Argon2id.Argon2id) =>
  Effect.gen(function*() {
    const turns = yield* Semaphore.make(atOnce)
    let pending = 0

    const inTurn = <A>(work: Effect.Effect<A, PasswordsBusy>): Effect.Effect<A, PasswordsBusy> =>
      Effect.suspend(() => {
        if (pending >= atOnce + waitingMax) {
          return Effect.fail(new PasswordsBusy({ detail: `${pending} are being checked` }))
        }
        pending += 1
        return Effect.ensuring(turns.withPermit(work), Effect.sync(() => pending -= 1))
      })

    const hashed = (password: string, salt: Buffer, cost: Password.Cost, length: number) =>
      argon2id({ ...cost, password, salt, length })

    const hash = (password: Redacted.Redacted) =>
      Effect.suspend(() => {
        const salt = crypto.randomBytes(Password.saltLength)
        return Effect.map(
          hashed(Redacted.value(password), salt, Password.cost, Password.hashLength),
          (bytes) => Password.format({ ...Password.cost, salt: base64(salt), hash: base64(bytes) })
        )
      })

    const matches = (password: Redacted.Redacted, text: string) => {
      const kept = Password.parse(text)
      const given = Redacted.value(password)
      const bytes = Buffer.byteLength(given)
      // As long a time is taken by whoever asks, see SignIns.
      if (kept === undefined || bytes === 0 || bytes > Password.bytesMax) return Effect.succeed(false)
      if (kept._tag === "Bcrypt") return PasswordThread.bcryptMatches(given, kept.text)
      const length = Buffer.from(kept.hash, "base64").length
      return Effect.map(
        hashed(given, Buffer.from(kept.salt, "base64"), kept, length),
        (bytes) => Secrets.isSame(base64(bytes), kept.hash)
      )
    }

    return Passwords.of({
      hash: (password) => inTurn(hash(password)),
      matches: (password, kept) => inTurn(matches(password, kept)),
      nobodys: Password.format({
        ...Password.cost,
        salt: base64(crypto.randomBytes(Password.saltLength)),
        hash: base64(crypto.randomBytes(Password.hashLength))
      })
    })
  })

export const layer: Layer.Layer<Passwords> = Layer.effect(Passwords, Effect.suspend(() => make(Argon2id.best())))

/** As on a Node without argon2. */
export const layerThread: Layer.Layer<Passwords> = Layer.effect(Passwords, make(Argon2id.byThread))
