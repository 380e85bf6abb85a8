/**
 * API tokens: `srk_` and 32 random bytes, shown once and kept as SHA-256. Whoever shows one asks as its user, with no more
 * than its scope. That it was used is recorded once a minute, with how often.
 */
import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import { ApiToken, scopes } from "../../domain/identity/ApiToken.ts"
import { superSystem, system } from "../../domain/records/Actor.ts"
import { fieldOf, type Stored } from "../../domain/records/Record.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { NotSignedIn, type Shown } from "../../services/records/Askers.ts"
import { Records } from "../../services/records/Records.ts"
import * as Secrets from "./Secrets.ts"

const form = /^srk_[A-Za-z0-9_-]{43}$/
const prefixLength = 8

export interface Issue {
  readonly user: Stored
  readonly name: string
  readonly scope: typeof scopes[number]
}

/** The token in clear, which nobody can be shown again. */
export const issue = Effect.fn("ApiTokens.issue")(function*({ name, scope, user }: Issue, requestId: string) {
  const token = `srk_${Secrets.random()}`
  const records = yield* Records
  const tenantId = String(user.values["tenantId"])
  yield* records.write({
    definition: ApiToken.definition,
    action: "create",
    asker: Directory.asking({ ...superSystem, tenantId }, requestId),
    input: {
      values: {
        userId: user.values["id"],
        name,
        scope,
        tokenHash: Secrets.hashOf(token),
        tokenPrefix: token.slice(0, prefixLength)
      },
      form: "json"
    }
  })
  return Redacted.make(token)
})

const Kept = Schema.Struct({
  tenantId: Schema.String,
  id: Schema.String,
  userId: Schema.String,
  scope: Schema.Literals(scopes),
  useCount: Schema.Int,
  lastUsedAt: Schema.NullOr(Schema.Any)
})
const decodeKept = Schema.decodeUnknownOption(Kept)

/** Uses since the last that was recorded; of so many tokens. */
const unrecordedMax = 10_000
const recordedEveryMillis = 60_000

/** Answers who asks, for a token in clear. */
export const make = Effect.gen(function*() {
  const records = yield* Records
  const unrecorded = new Map<string, { readonly count: number; readonly sinceMillis: number }>()

  const record = Effect.fnUntraced(function*(token: typeof Kept.Type, { address, requestId }: Shown) {
    const nowMillis = DateTime.toEpochMillis(yield* DateTime.now)
    const known = unrecorded.get(token.id)
    const count = (known?.count ?? 0) + 1
    if (known !== undefined && nowMillis - known.sinceMillis < recordedEveryMillis) {
      unrecorded.set(token.id, { ...known, count })
      return
    }
    if (unrecorded.size >= unrecordedMax) unrecorded.clear()
    unrecorded.set(token.id, { count: 0, sinceMillis: nowMillis })
    yield* records.write({
      definition: ApiToken.definition,
      action: "recordUse",
      asker: Directory.asking(system(token.tenantId), requestId),
      key: token.id,
      input: { values: { ip: address, count: token.useCount + count }, form: "json" }
    }).pipe(
      Effect.catch((error) => Effect.logWarning(`The use of an API token could not be recorded: ${error.message}`))
    )
  })

  return Effect.fn("ApiTokens.askerOf")(
    function*(text: string, shown: Shown) {
      const { requestId } = shown
      if (!form.test(text)) return yield* new NotSignedIn()
      const found = yield* Directory.only(ApiToken.definition, "tokenHash", Secrets.hashOf(text), requestId)
      const token = Option.flatMap(found, ({ values }) => decodeKept(values))
      if (Option.isNone(found) || Option.isNone(token)) return yield* new NotSignedIn()
      const now = yield* DateTime.now
      const surroundings = { actor: superSystem, arguments: {}, now }
      if (fieldOf(Directory.validity, found.value, surroundings) !== true) return yield* new NotSignedIn()
      const { scope, tenantId, userId } = token.value
      const user = yield* Effect.option(Directory.userById(tenantId, userId, requestId))
      const actor = Option.flatMap(user, (one) => Directory.actorOf(one, scope))
      if (Option.isNone(actor) || !(yield* Directory.isActive(tenantId, requestId))) return yield* new NotSignedIn()
      yield* record(token.value, shown)
      return { actor: actor.value, id: actor.value.id, name: actor.value.name, requestId }
    },
    Effect.catchTag("Forbidden", () => Effect.fail(new NotSignedIn())),
    Effect.provideService(Records, records)
  )
})
