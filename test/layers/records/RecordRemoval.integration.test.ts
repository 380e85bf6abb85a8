import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { ended } from "../../../src/domain/identity/EndedSignIns.ts"
import { Session } from "../../../src/domain/identity/Session.ts"
import { SignInLink } from "../../../src/domain/identity/SignInLink.ts"
import { defaultTenantId, Tenant } from "../../../src/domain/identity/Tenant.ts"
import { User } from "../../../src/domain/identity/User.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import * as RecordRemoval from "../../../src/layers/records/RecordRemoval.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { Records } from "../../../src/services/records/Records.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const database = PgRecords.layer.pipe(
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const other = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"

const made = (definition: Definition, action: string, tenantId: string, values: Readonly<Record<string, unknown>>) =>
  Records.use((records) =>
    records.write({
      definition,
      action,
      asker: Directory.asking({ ...superSystem, tenantId }, "setup"),
      input: { values, form: "json" }
    })
  ).pipe(Effect.flatMap((stored) => Effect.fromNullishOr(stored)))

const Left = Schema.Struct({ word: Schema.String })

layer(database, { excludeTestServices: true, timeout: "60 seconds" })("What of sign-ins is over", (it) => {
  it.effect("goes a while after its end, of every tenant, in slices, and nothing else does", () =>
    Effect.gen(function*() {
      yield* made(Tenant.definition, "create", defaultTenantId, { id: other, name: "Other", slug: "other" })
      const now = Date.now()
      const inDays = (days: number) => new Date(now + days * 86_400_000).toISOString()
      const sql = yield* PgConnection.use(({ client }) => client)
      for (const tenantId of [defaultTenantId, other]) {
        const user = yield* made(User.definition, "create", tenantId, { email: `a@${tenantId}.example` })
        const userId = user.values["id"]
        const session = (word: string, days: number) =>
          made(Session.definition, "begin", tenantId, {
            userId,
            tokenHash: `${tenantId}${word}`,
            address: word,
            expiresAt: inDays(days)
          })
        for (const at of [1, 2, 3]) yield* session(`expired ${at}`, -8)
        yield* session("expired lately", -6)
        yield* session("valid", 20)
        yield* session("ended", 20)
        yield* session("ended lately", 20)
        for (const [word, days] of [["over", -2], ["over lately", 0], ["open", 1]] as const) {
          yield* made(SignInLink.definition, "make", tenantId, {
            userId,
            tokenHash: `${tenantId}${word}`,
            origin: word,
            expiresAt: inDays(days)
          })
        }
      }
      const ends = (word: string, days: number) =>
        sql`update serviceradar_control.sessions set ended_at = ${new Date(
          now + days * 86_400_000
        )} where address = ${word}`
      yield* ends("ended", -8)
      yield* ends("ended lately", -6)

      const removed = yield* Effect.forEach(ended, (one) => RecordRemoval.remove(one, 3))
      assert.deepStrictEqual(removed, [8, 2])
      const left = yield* Rows.query(
        Left,
        sql`select address as word from serviceradar_control.sessions union all
          select origin from serviceradar_control.sign_in_links order by word`
      )
      const expected = ["ended lately", "expired lately", "open", "over lately", "valid"]
      assert.deepStrictEqual(left.map(({ word }) => word), expected.flatMap((word) => [word, word]))
      assert.deepStrictEqual(yield* Effect.forEach(ended, (one) => RecordRemoval.remove(one)), [0, 0])
    }))
})
