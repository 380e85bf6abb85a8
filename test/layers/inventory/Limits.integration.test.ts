import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Tenant } from "../../../src/domain/identity/Tenant.ts"
import { User } from "../../../src/domain/identity/User.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import { migrations, records } from "../../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { Records } from "../../../src/services/records/Records.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const database = records.pipe(
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const small = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"

const write = (definition: Definition, action: string, values: Readonly<Record<string, unknown>>, key?: string) =>
  Records.use((all) =>
    all.write({
      definition,
      action,
      asker: Directory.asking({ ...superSystem, tenantId: small }, "test"),
      input: { values, form: "json" },
      ...(key === undefined ? {} : { key })
    })
  )

const device = (uid: string) => write(Device.definition, "create", { uid })
const user = (name: string) => write(User.definition, "create", { email: `${name}@example.org`, role: "viewer" })

layer(database, { excludeTestServices: true, timeout: "60 seconds" })("A tenant", (it) => {
  it.effect("has no more devices and people than it may, also when they come at once", () =>
    Effect.gen(function*() {
      yield* write(Tenant.definition, "create", { id: small, name: "Small", slug: "small", maxDevices: 3, maxUsers: 1 })
      const made = yield* Effect.forEach(
        Array.from({ length: 8 }, (_, at) => `d${at}`),
        (uid) => Effect.result(device(uid)),
        { concurrency: 8 }
      )
      assert.lengthOf(made.filter(({ _tag }) => _tag === "Success"), 3)
      const refused = yield* Effect.flip(device("more"))
      assert.deepInclude(refused, { _tag: "Invalid" })
      assert.include(refused.message, "the tenant has as many devices as it may have")
      const [first] = made.flatMap((one) => one._tag === "Success" && one.success !== null ? [one.success] : [])
      yield* write(Device.definition, "destroy", {}, String(first?.values["uid"]))
      yield* device("again")
      assert.strictEqual((yield* Effect.flip(device("again more")))._tag, "Invalid")
      yield* user("ada")
      assert.strictEqual((yield* Effect.flip(user("grace")))._tag, "Invalid")
    }))
})
