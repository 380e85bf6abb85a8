/**
 * Sessions: 32 random bytes that a browser keeps as a cookie, of which core keeps the SHA-256. One ends when its owner signs out or
 * signs in anew, sets another password, or an administrator ends it; at the latest after its time.
 */
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { Session } from "../../domain/identity/Session.ts"
import { superSystem, system } from "../../domain/records/Actor.ts"
import { fieldOf, type Stored } from "../../domain/records/Record.ts"
import type { Node } from "../../domain/resource/expression/Node.ts"
import { publicField } from "../../domain/resource/PublicFields.ts"
import * as Directory from "../../services/identity/Directory.ts"
import type { Origin } from "../../services/identity/SignIns.ts"
import { NotSignedIn } from "../../services/records/Askers.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import * as Secrets from "./Secrets.ts"

/** Of a browser. */
export const life = Duration.days(30)

export const Kept = Schema.Struct({
  tenantId: Schema.String,
  id: Schema.String,
  userId: Schema.String,
  kind: Schema.Literals(["browser", "program"]),
  tokenHash: Schema.String
})
export type Kept = typeof Kept.Type
const decodeKept = Schema.decodeUnknownOption(Kept)

/** The user's own deed, done by the system: the policies let nobody else. */
const askerOf = ({ values }: Stored, requestId: string): Asker => ({
  actor: system(String(values["tenantId"])),
  id: String(values["id"]),
  name: String(values["email"]),
  requestId
})

export interface Beginning extends Origin {
  readonly user: Stored
  readonly kind: Kept["kind"]
  /** Which alone shows that it is this session. */
  readonly secret: string
  readonly life: Duration.Duration
}

export const begin = Effect.fn("Sessions.begin")(function*(beginning: Beginning) {
  const { address, kind, requestId, secret, user } = beginning
  const records = yield* Records
  const now = yield* DateTime.now
  const begun = yield* records.write({
    definition: Session.definition,
    action: "begin",
    asker: askerOf(user, requestId),
    input: {
      values: {
        userId: user.values["id"],
        kind,
        tokenHash: Secrets.hashOf(secret),
        address: address.slice(0, 64),
        expiresAt: DateTime.addDuration(now, beginning.life)
      },
      form: "values"
    }
  })
  return String(begun?.values["id"] ?? "")
})

const validity: Node = publicField(Session.definition, "isValid") ?? { _tag: "Literal", kind: "boolean", value: false }

const validOf = Effect.fnUntraced(function*(found: Option.Option<Stored>) {
  const now = yield* DateTime.now
  const kept = Option.flatMap(found, ({ values }) => decodeKept(values))
  return Option.isSome(found) && Option.isSome(kept) &&
      fieldOf(validity, found.value, { actor: superSystem, arguments: {}, now }) === true
    ? { ...kept.value, version: found.value.version }
    : yield* new NotSignedIn()
})

/** The valid one with this secret. */
export const ofSecret = (secret: string, requestId: string) =>
  Secrets.form.test(secret)
    ? Effect.flatMap(Directory.only(Session.definition, "tokenHash", Secrets.hashOf(secret), requestId), validOf)
    : Effect.fail(new NotSignedIn())

/** The valid one of this id. */
export const ofId = (id: string, requestId: string) =>
  Effect.flatMap(Directory.only(Session.definition, "id", id, requestId), validOf)

/** The user as it is now, with all of its rights. */
export const userOf = Effect.fnUntraced(function*({ tenantId, userId }: Kept, requestId: string) {
  const user = yield* Effect.catchTag(
    Directory.userById(tenantId, userId, requestId),
    ["NotFound", "Forbidden"],
    () => Effect.fail(new NotSignedIn())
  )
  if (!(yield* Directory.isActive(tenantId, requestId))) return yield* new NotSignedIn()
  return user
})

export const personOf = Effect.fnUntraced(function*(session: Kept, requestId: string) {
  const user = yield* userOf(session, requestId)
  const actor = Directory.actorOf(user, "admin")
  if (Option.isNone(actor)) return yield* new NotSignedIn()
  const { id, name } = actor.value
  const asker: Asker = { actor: actor.value, id, name, requestId }
  return { user, asker }
})

export const end = Effect.fn("Sessions.end")(function*(session: Kept, by: Asker) {
  const records = yield* Records
  yield* records.write({
    definition: Session.definition,
    action: "end",
    asker: { ...by, actor: system(session.tenantId) },
    key: session.id,
    input: { values: {}, form: "values" }
  })
})

const pageMax = 100

const open = (userId: string): Node => ({
  _tag: "And",
  kind: "boolean",
  parts: [
    validity,
    {
      _tag: "Compare",
      kind: "boolean",
      comparison: "=",
      left: { _tag: "Reference", kind: "uuid", source: "record", name: "userId" },
      right: { _tag: "Literal", kind: "uuid", value: userId }
    }
  ]
})

/** All of a user, but for one that may go on. */
export const endAll = Effect.fn("Sessions.endAll")(function*(user: Stored, by: Asker, but?: string) {
  const records = yield* Records
  const tenantId = String(user.values["tenantId"])
  const some = records.list({
    definition: Session.definition,
    action: "read",
    asker: { ...by, actor: system(tenantId) },
    where: open(String(user.values["id"])),
    order: [],
    limit: pageMax
  })
  const others = Effect.map(
    some,
    ({ records: found }) =>
      found.flatMap(({ values }) => Option.toArray(decodeKept(values))).filter(({ id }) => id !== but)
  )
  let left = yield* others
  while (left.length > 0) {
    yield* Effect.forEach(left, (session) => end(session, by), { discard: true })
    left = yield* others
  }
})
