/** Links with which one user signs in once, within a quarter of an hour; of each the SHA-256 is kept. */
import { Clock, DateTime, Duration, Effect, Option, Redacted } from "effect"
import { minutes, SignInLink } from "../../domain/identity/SignInLink.ts"
import { superSystem, system } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { type Origin, SignIns } from "../../services/identity/SignIns.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import * as Secrets from "./Secrets.ts"

/** What the link holds. */
export const make = Effect.fn("SignInLinks.make")(function*(user: Stored, { address, requestId }: Origin) {
  const records = yield* Records
  const secret = Secrets.random()
  const now = yield* DateTime.now
  yield* records.write({
    definition: SignInLink.definition,
    action: "make",
    asker: Directory.asking(system(String(user.values["tenantId"])), requestId),
    input: {
      values: {
        userId: user.values["id"],
        tokenHash: Secrets.hashOf(secret),
        origin: address.slice(0, 64),
        expiresAt: DateTime.addDuration(now, Duration.minutes(minutes))
      },
      form: "values"
    }
  })
  return Redacted.make(secret)
})

const linksMax = 100

/** Whoever has one that was not used signs in with it no more. */
export const endAll = Effect.fn("SignInLinks.endAll")(function*(user: Stored, by: Asker) {
  const records = yield* Records
  const asker = { ...by, actor: system(String(user.values["tenantId"])) }
  const where = SignInLink.where(({ record }) =>
    E.and(E.equals(record.userId, String(user.values["id"])), E.equals(record.state, "open"))
  ).node
  const open = yield* records.list({
    definition: SignInLink.definition,
    action: "read",
    asker,
    where,
    order: [],
    limit: linksMax
  })
  yield* Effect.forEach(open.records, ({ values }) =>
    records.write({
      definition: SignInLink.definition,
      action: "end",
      asker,
      key: String(values["id"]),
      input: { values: {}, form: "values" }
    }), { discard: true })
})

/** Where it leads to, on a core that is reached at `base`. */
export const addressOf = (base: string, secret: Redacted.Redacted): string =>
  `${base}/auth/link?t=${Redacted.value(secret)}`

/** Signs its user in, and whoever comes second not. */
export const use = Effect.fn("SignInLinks.use")(function*(secret: string, origin: Origin) {
  const { requestId } = origin
  const records = yield* Records
  const signIns = yield* SignIns
  yield* signIns.admit(origin, "link")
  const began = yield* Clock.currentTimeMillis
  const refused = (reason: string) => signIns.refuse(reason, "link", origin, began)
  const found = Secrets.form.test(secret)
    ? yield* Directory.only(SignInLink.definition, "tokenHash", Secrets.hashOf(secret), requestId)
    : Option.none<Stored>()
  if (Option.isNone(found)) return yield* refused("no such link")
  const { id, tenantId, userId } = found.value.values
  yield* records.write({
    definition: SignInLink.definition,
    action: "use",
    asker: Directory.asking({ ...superSystem, tenantId: String(tenantId) }, requestId),
    key: String(id),
    input: { values: {}, form: "values" }
  }).pipe(
    Effect.catchTag("InvalidTransition", () => refused("the link was used before")),
    Effect.catchTag("Invalid", () => refused("the link is over"))
  )
  const user = yield* Directory.userById(String(tenantId), String(userId), requestId)
  return yield* signIns.known(user, "link", origin)
})
