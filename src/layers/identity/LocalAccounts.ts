/**
 * Who may sign in before anybody has: the local users of core's file, and on a machine's own system its administrator.
 *
 * A local user is made with the file's hash, which becomes one of ours with the first sign-in. Another hash in the file is another
 * password, and whoever is no more in it signs in no more. Both end the user's sessions.
 */
import { Effect, Option, Redacted } from "effect"
import type { LocalUser } from "../../domain/core/AuthConfig.ts"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import { User } from "../../domain/identity/User.ts"
import { superSystem } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type { Node } from "../../domain/resource/expression/Node.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import * as Secrets from "./Secrets.ts"
import * as Sessions from "./Sessions.ts"
import * as SignInLinks from "./SignInLinks.ts"

const requestId = "start of core"

const askerFor = (tenantId: string): Asker => ({
  ...Directory.asking({ ...superSystem, tenantId }, requestId),
  name: "core's file"
})

const write = (action: "configure" | "reconfigure", values: Readonly<Record<string, unknown>>, user?: Stored) =>
  Records.use((records) =>
    records.write({
      definition: User.definition,
      action,
      asker: askerFor(String(user?.values["tenantId"] ?? defaultTenantId)),
      input: { values, form: "values" },
      ...(user === undefined ? {} : { key: String(user.values["id"]) })
    })
  )

const endSessions = (user: Stored) => Sessions.endAll(user, askerFor(String(user.values["tenantId"])))

const applied = Effect.fnUntraced(function*({ hash, name, role }: LocalUser) {
  const known = Option.getOrUndefined(yield* Directory.userOfTenant(defaultTenantId, name, requestId))
  const hashedPassword = Redacted.value(hash)
  const configuredHash = Secrets.hashOf(hashedPassword)
  if (known === undefined) {
    yield* write("configure", { email: name, role, hashedPassword, configuredHash })
  } else if (known.values["configuredHash"] !== configuredHash) {
    yield* write("reconfigure", { role, hashedPassword, configuredHash }, known)
    yield* endSessions(known)
  } else if (known.values["role"] !== role) yield* write("reconfigure", { role }, known)
})

const isConfigured: Node = {
  _tag: "Not",
  kind: "boolean",
  of: {
    _tag: "IsNull",
    kind: "boolean",
    of: { _tag: "Reference", kind: "text", source: "record", name: "configuredHash" }
  }
}

/** Of which a file has a few. */
const localUsersMax = 10_000

const users = (where: Node | undefined, limit: number) =>
  Records.use((records) =>
    records.list({
      definition: User.definition,
      action: "read",
      asker: askerFor(defaultTenantId),
      order: [],
      limit,
      isEverywhere: true,
      ...(where === undefined ? {} : { where })
    })
  ).pipe(Effect.map(({ records }) => records))

/** Brings the users in line with the file. */
export const configure = Effect.fn("LocalAccounts.configure")(function*(localUsers: ReadonlyArray<LocalUser>) {
  yield* Effect.forEach(localUsers, applied, { discard: true })
  const names = new Set(localUsers.map(({ name }) => name))
  const gone = (yield* users(isConfigured, localUsersMax)).filter(({ values }) => !names.has(String(values["email"])))
  yield* Effect.forEach(
    gone,
    (user) =>
      Effect.andThen(write("reconfigure", { hashedPassword: null, configuredHash: null }, user), endSessions(user))
  )
})

export const adminDefault = "admin@localhost"

const hasSignedIn: Node = {
  _tag: "Not",
  kind: "boolean",
  of: {
    _tag: "IsNull",
    kind: "boolean",
    of: { _tag: "Reference", kind: "instant", source: "record", name: "authenticatedAt" }
  }
}

/** The first user there is, where there is none. */
export const ensureAdmin = Effect.gen(function*() {
  if ((yield* users(undefined, 1)).length > 0) return
  yield* Directory.addUser({ email: adminDefault, role: "admin" }, requestId)
})

/** A link for that administrator; none once anybody has signed in. */
export const firstLink = Effect.fn("LocalAccounts.firstLink")(function*(base: string) {
  if ((yield* users(hasSignedIn, 1)).length > 0) return Option.none<string>()
  yield* ensureAdmin
  const admin = yield* Directory.userOfTenant(defaultTenantId, adminDefault, requestId)
  if (Option.isNone(admin)) return Option.none<string>()
  const secret = yield* SignInLinks.make(admin.value, { address: "start of core", requestId })
  return Option.some(SignInLinks.addressOf(base, secret))
})
