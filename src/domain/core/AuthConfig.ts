/**
 * The `auth` of core's configuration file, with the keys of the existing core, and `rbac`, which says who of its local users may do
 * what. Ours are `public_url` and `mail`.
 */
import { Option, Redacted, Schema } from "effect"
import * as Password from "../identity/Password.ts"

const Url = Schema.String.check(
  Schema.makeFilter((text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "") || "an http or https URL")
)

const SmtpUrl = Schema.String.check(
  Schema.makeFilter((text) =>
    ["smtp:", "smtps:"].includes(URL.parse(text)?.protocol ?? "") || "an address such as smtps://user:password@host:465"
  )
)

const KeptPassword = Schema.String.check(
  Schema.makeFilter((text) => Password.parse(text) !== undefined || "a hash of a password by bcrypt or argon2id")
)

export const RbacBlock = Schema.Struct({
  /** By `local:NAME` or `NAME`. */
  user_roles: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String)))
})
export type RbacBlock = typeof RbacBlock.Type

export const AuthBlock = Schema.Struct({
  /** Where people reach core, for links in mails; without it `listen_addr`. */
  public_url: Schema.optionalKey(Url),
  /** Names with the bcrypt hash of their password. */
  local_users: Schema.optionalKey(Schema.Record(Schema.NonEmptyString.check(Schema.isMaxLength(320)), KeptPassword)),
  rbac: Schema.optionalKey(RbacBlock),
  mail: Schema.optionalKey(Schema.Struct({ url: SmtpUrl, from: Schema.NonEmptyString }))
})
export type AuthBlock = typeof AuthBlock.Type

const roles = ["admin", "operator", "viewer"] as const
export type Role = typeof roles[number]

export interface LocalUser {
  /** In lower case. */
  readonly name: string
  readonly hash: Redacted.Redacted
  readonly role: Role
}

export interface AuthConfig {
  readonly publicUrl: Option.Option<string>
  readonly mail: Option.Option<{ readonly url: Redacted.Redacted; readonly from: string }>
  readonly localUsers: ReadonlyArray<LocalUser>
}

/** The highest of those that there are here; who has none may look. */
const roleOf = (name: string, { user_roles = {} }: RbacBlock): Role => {
  const given = user_roles[`local:${name}`] ?? user_roles[name] ?? user_roles[name.toLowerCase()] ?? []
  return roles.find((role) => given.includes(role)) ?? "viewer"
}

/** `beside` is what a file says of roles beside its `auth`. */
export const fromBlock = (block: AuthBlock = {}, beside: RbacBlock = {}): AuthConfig => ({
  publicUrl: Option.map(Option.fromNullishOr(block.public_url), (url) => url.replace(/\/+$/, "")),
  mail: Option.map(Option.fromNullishOr(block.mail), ({ from, url }) => ({ from, url: Redacted.make(url) })),
  localUsers: Object.entries(block.local_users ?? {}).map(([name, hash]) => ({
    name: name.toLowerCase(),
    hash: Redacted.make(hash),
    role: roleOf(name, { user_roles: { ...beside.user_roles, ...block.rbac?.user_roles } })
  }))
})
