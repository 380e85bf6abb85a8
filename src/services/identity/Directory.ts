/** What sign-ins and commands look up and make of tenants and their people, in the name of the system. */
import { DateTime, Effect, Option, Order, Schema } from "effect"
import { ApiToken } from "../../domain/identity/ApiToken.ts"
import { defaultTenantId, Tenant } from "../../domain/identity/Tenant.ts"
import { User } from "../../domain/identity/User.ts"
import { type Actor, superSystem, system } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type { Node } from "../../domain/resource/expression/Node.ts"
import { publicField } from "../../domain/resource/PublicFields.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { type Asker, Records } from "../records/Records.ts"

/** A program's own, at a command or at a sign-in. */
export const asking = (actor: Actor, requestId: string): Asker => ({ actor, id: actor.id, name: actor.name, requestId })

const equals = (definition: Definition, attribute: string, value: string): Node => {
  const kind = definition.attributes[attribute]?.kind ?? "text"
  const left: Node = { _tag: "Reference", kind, source: "record", name: attribute }
  return { _tag: "Compare", kind: "boolean", comparison: "=", left, right: { _tag: "Literal", kind, value } }
}

/** PostgreSQL holds no other text, so nobody is called so. */
const isText = (value: string): boolean => !value.includes("\0") && value.isWellFormed()

/** The one of all tenants that has this value of an attribute that no two have. */
export const only = (definition: Definition, attribute: string, value: string, requestId: string) =>
  isText(value) ? found(definition, attribute, value, requestId) : Effect.succeed(Option.none<Stored>())

const found = (definition: Definition, attribute: string, value: string, requestId: string) =>
  Records.use((records) =>
    records.list({
      definition,
      action: "read",
      asker: asking(superSystem, requestId),
      where: equals(definition, attribute, value),
      order: [],
      limit: 1,
      isEverywhere: true
    })
  ).pipe(Effect.map(({ records: [stored] }) => Option.fromUndefinedOr(stored)))

const user = Schema.Struct({
  tenantId: Schema.String,
  id: Schema.String,
  email: Schema.String,
  role: Schema.Literals(["viewer", "operator", "admin"]),
  isSuperUser: Schema.Boolean
})
const decodeUser = Schema.decodeUnknownOption(user)

/** As policies see the user, who has shown something of this scope. */
export const actorOf = ({ values }: Stored, scope: Actor["scope"]): Option.Option<Actor> =>
  Option.map(decodeUser(values), ({ email, id, isSuperUser, role, tenantId }) => ({
    id,
    tenantId,
    name: email,
    role,
    isSuperUser,
    scope
  }))

export const userById = (tenantId: string, id: string, requestId: string) =>
  Records.use((records) =>
    records.find({ definition: User.definition, action: "read", asker: asking(system(tenantId), requestId), key: id })
  )

/** Of one address; nobody is of more tenants. */
const namesakesMax = 100

/** Whoever has this address, in one tenant or in all. */
const usersOf = (email: string, requestId: string, tenantId?: string) =>
  isText(email)
    ? Records.use((records) =>
      records.list({
        definition: User.definition,
        action: "read",
        asker: asking(tenantId === undefined ? superSystem : system(tenantId), requestId),
        where: equals(User.definition, "email", email.toLowerCase()),
        order: [],
        limit: namesakesMax,
        isEverywhere: tenantId === undefined
      })
    ).pipe(Effect.map(({ records }) => records))
    : Effect.succeed([])

const millisOf = (value: Stored["values"][string] | undefined): number =>
  DateTime.isDateTime(value) ? DateTime.toEpochMillis(value) : Number.MAX_SAFE_INTEGER

/** Whoever has signed in before whoever never has, then whoever was there first. */
const byAge = Order.combine(
  Order.mapInput(Order.Number, ({ values }: Stored) => millisOf(values["confirmedAt"])),
  Order.mapInput(Order.Number, ({ values }: Stored) => millisOf(values["insertedAt"]))
)

/** Has shown to be who the address says, or is one of core's own file. To be added by somebody shows nothing. */
const isEstablished = ({ values }: Stored): boolean =>
  DateTime.isDateTime(values["confirmedAt"]) || typeof values["hashedPassword"] === "string"

/**
 * Whom an address means by itself. Of several in active tenants it is whoever has signed in first, whoever else takes it later in
 * another; until one has it may be each of them, and only whose address it is may say which.
 */
const usersByEmail = Effect.fnUntraced(function*(email: string, requestId: string) {
  const users = (yield* usersOf(email, requestId)).toSorted(byAge)
  if (users.length < 2) return users
  const active = yield* Effect.filter(users, ({ values }) => isActive(String(values["tenantId"]), requestId))
  const established = active.find(isEstablished)
  return established === undefined ? active : [established]
})

export const userOfTenant = (tenantId: string, email: string, requestId: string) =>
  Effect.map(usersOf(email, requestId, tenantId), ([user]) => Option.fromUndefinedOr(user))

const qualified = /^([^/@]+)\/(.+)$/

/**
 * Whom somebody names: an address, or one with the short name of its tenant before it, `acme/ada@example.org`. That counts first:
 * nobody else comes to be meant by calling somebody so.
 */
export const usersByName = Effect.fnUntraced(function*(name: string, requestId: string) {
  const [, slug, email] = qualified.exec(name) ?? []
  const of = slug === undefined ? Option.none<Stored>() : yield* tenant(slug, requestId)
  const named = Option.isNone(of) || email === undefined
    ? Option.none<Stored>()
    : yield* userOfTenant(String(of.value.values["id"]), email, requestId)
  return Option.isSome(named) ? [named.value] : yield* usersByEmail(name, requestId)
})

/** The only one of that name. */
export const userByName = (name: string, requestId: string) =>
  Effect.map(
    usersByName(name, requestId),
    ([user, ...others]) => Option.filter(Option.fromUndefinedOr(user), () => others.length === 0)
  )

/** As they are told apart: `acme/ada@example.org`. */
export const fullNameOf = ({ values }: Stored, requestId: string) =>
  Effect.map(only(Tenant.definition, "id", String(values["tenantId"]), requestId), (found) => {
    const slug = Option.match(found, { onNone: () => "", onSome: (of) => String(of.values["slug"]) })
    return `${slug}/${String(values["email"])}`
  })

export const isActive = (tenantId: string, requestId: string) =>
  Effect.map(
    only(Tenant.definition, "id", tenantId, requestId),
    Option.exists(({ values }) => values["status"] === "active")
  )

const isUuid = Schema.is(Schema.String.check(Schema.isUUID()))

const isSlug = Schema.is(Schema.String.check(Schema.isMaxLength(63), Schema.isPattern(/^[^\0]+$/)))

/** By its id or its short name. */
export const tenant = (named: string, requestId: string) =>
  isUuid(named)
    ? only(Tenant.definition, "id", named.toLowerCase(), requestId)
    : isSlug(named)
    ? only(Tenant.definition, "slug", named, requestId)
    : Effect.succeedNone

export interface NewUser {
  readonly email: string
  readonly role: string
  readonly displayName?: string
  /** Default: the default tenant. */
  readonly tenantId?: string
  readonly isSuperUser?: boolean
}

export const addUser = Effect.fnUntraced(function*(
  { isSuperUser = false, tenantId = defaultTenantId, ...values }: NewUser,
  requestId: string
) {
  const records = yield* Records
  return yield* records.write({
    definition: User.definition,
    action: isSuperUser ? "createSuperUser" : "create",
    asker: asking({ ...superSystem, tenantId }, requestId),
    input: { values, form: "json" }
  })
})

export const addTenant = Effect.fnUntraced(function*(
  values: Readonly<Record<string, string | number>>,
  requestId: string
) {
  const records = yield* Records
  return yield* records.write({
    definition: Tenant.definition,
    action: "create",
    asker: asking(superSystem, requestId),
    input: { values, form: "values" }
  })
})

const valid = publicField(ApiToken.definition, "isValid")

/** Whether a token counts at this moment, by its own calculation. */
export const validity: Node = valid ?? { _tag: "Literal", kind: "boolean", value: false }
