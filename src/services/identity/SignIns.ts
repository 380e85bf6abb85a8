/**
 * Signs people in, by password or in another way that somebody has checked. Every failure is answered alike and after the same
 * time: nobody learns whether there is such a user, whether the user is locked, or what was wrong. The audit has the reason.
 */
import { Clock, Context, DateTime, Duration, Effect, Layer, Metric, Option, type Redacted, Schema } from "effect"
import * as AttemptLimits from "../../domain/identity/AttemptLimits.ts"
import * as Lockout from "../../domain/identity/Lockout.ts"
import * as Password from "../../domain/identity/Password.ts"
import { User } from "../../domain/identity/User.ts"
import { superSystem, system } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import {
  type Asker,
  type ReadError,
  Records,
  type RecordsRefused,
  type RecordsUnavailable,
  type WriteError
} from "../records/Records.ts"
import * as Directory from "./Directory.ts"
import { Passwords, type PasswordsBusy } from "./Passwords.ts"

export class SignInRefused extends Schema.TaggedError<SignInRefused>()("SignInRefused", {}) {
  override get message(): string {
    return "the name or the password is wrong, or it was wrong too often"
  }
}

/** By one address, whoever it wanted to be. */
export class TooManyAttempts extends Schema.TaggedError<TooManyAttempts>()("TooManyAttempts", {
  retryAfterSeconds: Schema.Int
}) {
  override get message(): string {
    return `too many attempts from this address: the next one is possible in ${this.retryAfterSeconds} s`
  }
}

/** Where an attempt comes from. */
export interface Origin {
  readonly address: string
  readonly requestId: string
}

export interface PasswordAttempt extends Origin {
  readonly name: string
  readonly password: Redacted.Redacted
  /** Somebody who has signed in, and shows it once more. */
  readonly known?: Stored
}

type Away = RecordsUnavailable | RecordsRefused

export class SignIns extends Context.Service<SignIns, {
  /** The user as it is then. */
  readonly withPassword: (
    attempt: PasswordAttempt
  ) => Effect.Effect<Stored, SignInRefused | TooManyAttempts | PasswordsBusy | Away>
  /** Of somebody who has shown otherwise to be this user, in the way named. */
  readonly known: (user: Stored, way: Way, origin: Origin) => Effect.Effect<Stored, SignInRefused | Away>
  /** Counts an attempt of this address. */
  readonly admit: (origin: Origin, way: Way) => Effect.Effect<void, TooManyAttempts>
  /** Says in the audit why somebody was not let in, and refuses after the time that every refusal takes. */
  readonly refuse: (
    reason: string,
    way: Way,
    origin: Origin,
    beganMillis: number,
    user?: Stored
  ) => Effect.Effect<never, SignInRefused>
}>()("serviceradar/services/identity/SignIns") {
  static readonly layer: Layer.Layer<SignIns, never, Records | Passwords> = Layer.effect(
    SignIns,
    Effect.suspend(() => make)
  )
}

export type Way = "password" | "link" | "provider"

const attempts = Metric.counter("sign_ins_total", {
  description: "Attempts to sign in, by way and outcome",
  incremental: true
})

const counted = (way: Way, outcome: "done" | "refused" | "limited") =>
  Metric.update(Metric.withAttributes(attempts, { way, outcome }), 1)

/** Longer than a password of ours takes to be checked and a failure to be kept, also on a machine with other work. */
const floorMillis = 400
/** A password of the existing system may take longer; but nobody waits for ever. */
const floorMillisMax = 5_000

const instant = (value: Stored["values"][string] | undefined): DateTime.Utc | null =>
  DateTime.isDateTime(value) ? value : null

const failuresOf = ({ values }: Stored): Lockout.Failures => ({
  failedSignIns: Number(values["failedSignIns"] ?? 0),
  lastFailedAt: instant(values["lastFailedAt"]),
  lockedUntil: instant(values["lockedUntil"])
})

const textOf = (user: Stored | undefined, name: string): string => String(user?.values[name] ?? "")

/** The user's own deed, done by the system: the policies let nobody else. */
const askerOf = (user: Stored, requestId: string): Asker => ({
  actor: system(textOf(user, "tenantId")),
  id: textOf(user, "id"),
  name: textOf(user, "email"),
  requestId
})

/** Another request may change the user meanwhile. */
const conflictsMax = 20

const isAway = (error: ReadError | WriteError): error is Away =>
  error._tag === "RecordsUnavailable" || error._tag === "RecordsRefused"

const make = Effect.gen(function*() {
  const records = yield* Records
  const passwords = yield* Passwords
  const limits = AttemptLimits.make()
  let floor = floorMillis

  const within = <A, E>(effect: Effect.Effect<A, E, Records>) => Effect.provideService(effect, Records, records)

  const refuse: SignIns["Service"]["refuse"] = Effect.fnUntraced(
    function*(reason, way, { address, requestId }, beganMillis, user) {
      const asker = user === undefined
        ? { actor: superSystem, id: "", name: "nobody", requestId }
        : askerOf(user, requestId)
      yield* records.deny({
        definition: User.definition,
        action: "signIn",
        asker,
        reason: `${reason} (${way}, from ${address})`,
        ...(user === undefined ? {} : { key: asker.id })
      })
      yield* counted(way, "refused")
      const took = (yield* Clock.currentTimeMillis) - beganMillis
      floor = Math.min(floorMillisMax, Math.max(floor, took))
      yield* Effect.sleep(Duration.millis(Math.max(0, floor - took)))
      return yield* new SignInRefused()
    }
  )

  /** On the user as it is at that moment, and not at all when it changed meanwhile. */
  const changed = (
    user: Stored,
    requestId: string,
    action: string,
    valuesOf: (current: Stored, now: DateTime.Utc) => Readonly<Record<string, unknown>> | undefined
  ) =>
    Effect.gen(function*() {
      const current = yield* within(Directory.userById(textOf(user, "tenantId"), textOf(user, "id"), requestId))
      const values = valuesOf(current, yield* DateTime.now)
      if (values === undefined) return undefined
      const written = yield* records.write({
        definition: User.definition,
        action,
        asker: askerOf(current, requestId),
        key: textOf(current, "id"),
        input: { values, form: "values" },
        versions: [current.version]
      })
      return written ?? current
    }).pipe(
      Effect.retry({ while: (error) => error._tag === "Changed", times: conflictsMax }),
      Effect.catch((error) =>
        isAway(error)
          ? Effect.fail(error)
          : Effect.as(Effect.logWarning(`A sign-in came to nothing: ${error.message}`), undefined)
      )
    )

  const admit: SignIns["Service"]["admit"] = Effect.fnUntraced(function*({ address }, way) {
    const millis = limits.take(address, yield* Clock.currentTimeMillis)
    if (millis === 0) return
    yield* counted(way, "limited")
    return yield* new TooManyAttempts({ retryAfterSeconds: Math.ceil(millis / 1000) })
  })

  const known: SignIns["Service"]["known"] = Effect.fnUntraced(function*(user, way, origin) {
    const { requestId } = origin
    const began = yield* Clock.currentTimeMillis
    if (!(yield* within(Directory.isActive(textOf(user, "tenantId"), requestId)))) {
      return yield* refuse("the tenant is not active", way, origin, began, user)
    }
    const signedIn = yield* changed(user, requestId, "signIn", () => ({}))
    if (signedIn === undefined) return yield* refuse("the user cannot sign in", way, origin, began, user)
    yield* counted(way, "done")
    return signedIn
  }, Effect.catchTag("Forbidden", () => Effect.fail(new SignInRefused())))

  /** Only while nobody has locked the user since the password was looked at. */
  const unlocked = (user: Stored, requestId: string) =>
    changed(user, requestId, "signIn", (current, now) => Lockout.isLocked(failuresOf(current), now) ? undefined : {})

  const failed = (user: Stored, requestId: string) =>
    changed(user, requestId, "failSignIn", (current, now) => {
      const failures = failuresOf(current)
      return Lockout.isLocked(failures, now) ? undefined : Lockout.afterFailure(failures, now)
    })

  /** What costs less to guess becomes what costs as much as it should. */
  const upgraded = Effect.fnUntraced(function*(user: Stored, password: Redacted.Redacted, requestId: string) {
    const kept = Password.parse(textOf(user, "hashedPassword"))
    if (kept === undefined || Password.isCurrent(kept)) return
    const hashedPassword = yield* passwords.hash(password)
    yield* changed(
      user,
      requestId,
      "setPassword",
      (current) => textOf(current, "hashedPassword") === textOf(user, "hashedPassword") ? { hashedPassword } : undefined
    )
  })

  const withPassword: SignIns["Service"]["withPassword"] = Effect.fnUntraced(function*(attempt) {
    const { known, name, password, requestId } = attempt
    yield* admit(attempt, "password")
    const began = yield* Clock.currentTimeMillis
    const user = Option.getOrUndefined(
      known === undefined ? yield* within(Directory.userByName(name, requestId)) : Option.some(known)
    )
    const kept = textOf(user, "hashedPassword")
    const isMatch = yield* passwords.matches(password, kept === "" ? passwords.nobodys : kept)
    if (user === undefined) return yield* refuse("no such user", "password", attempt, began)
    if (Lockout.isLocked(failuresOf(user), yield* DateTime.now)) {
      return yield* refuse("the user is locked", "password", attempt, began, user)
    }
    if (!isMatch || kept === "") {
      yield* failed(user, requestId)
      const reason = kept === "" ? "the user has no password" : "the password is wrong"
      return yield* refuse(reason, "password", attempt, began, user)
    }
    if (!(yield* within(Directory.isActive(textOf(user, "tenantId"), requestId)))) {
      return yield* refuse("the tenant is not active", "password", attempt, began, user)
    }
    const signedIn = yield* unlocked(user, requestId)
    if (signedIn === undefined) return yield* refuse("the user is locked", "password", attempt, began, user)
    yield* upgraded(user, password, requestId).pipe(
      Effect.catch((error) => Effect.logWarning(`A password stays in its old form for now: ${error.message}`))
    )
    yield* counted("password", "done")
    return signedIn
  }, Effect.catchTag("Forbidden", () => Effect.fail(new SignInRefused())))

  return SignIns.of({ admit, known, refuse, withPassword })
})
