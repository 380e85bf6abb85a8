/**
 * The `auth` of core's configuration file, with the keys of the existing core, and `rbac`, which says who of its local users may do
 * what. Ours are `public_url`, `mail` and the `issuer` of a provider.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"
import * as Password from "../identity/Password.ts"
import { ProtectionBlock } from "./RouteProtection.ts"

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
  user_roles: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  /** Of paths of the v1 API. */
  route_protection: Schema.optionalKey(ProtectionBlock)
})
export type RbacBlock = typeof RbacBlock.Type

/** What else there is below `/auth`. */
const taken = new Set(["sign-in", "sign-out", "link", "account", "password", "login", "logout", "refresh", "status"])

const ProviderName = Schema.String.check(
  Schema.makeFilter((name) =>
    (/^[a-z][a-z0-9-]{0,30}$/.test(name) && !taken.has(name)) || "a name such as google, in lower case"
  )
)

/** Of those that are known by their names. */
const issuers: Readonly<Record<string, string>> = {
  google: "https://accounts.google.com",
  github: "https://github.com"
}

/** `github` is no provider of OpenID Connect, and has addresses and an API of its own. */
const kinds = ["oidc", "github"] as const

const ProviderBlock = Schema.Struct({
  /** `github` for a GitHub Enterprise Server; of `github` itself nothing need be said. */
  kind: Schema.optionalKey(Schema.Literals(kinds)),
  /** What its own description is found by, such as https://login.example.org; of a GitHub its address. */
  issuer: Schema.optionalKey(Url),
  client_id: Schema.NonEmptyString,
  client_secret: Schema.NonEmptyString,
  scopes: Schema.optionalKey(Schema.Array(Schema.String))
})

const ProvidersBlock = Schema.Record(ProviderName, ProviderBlock).check(
  Schema.makeFilter((providers) =>
    Object.entries(providers).flatMap(([name, { issuer }]): ReadonlyArray<Schema.FilterIssue> =>
      issuer === undefined && issuers[name] === undefined
        ? [{
          path: [name, "issuer"],
          issue: "the address of its issuer: only google and github are known by their names"
        }]
        : []
    )
  )
)

export const AuthBlock = Schema.Struct({
  /** Where people reach core, for links in mails; without it `listen_addr`. */
  public_url: Schema.optionalKey(Url),
  /** Names with the bcrypt hash of their password. */
  local_users: Schema.optionalKey(Schema.Record(Schema.NonEmptyString.check(Schema.isMaxLength(320)), KeptPassword)),
  rbac: Schema.optionalKey(RbacBlock),
  mail: Schema.optionalKey(Schema.Struct({ url: SmtpUrl, from: Schema.NonEmptyString })),
  sso_providers: Schema.optionalKey(ProvidersBlock),
  /** Of HS256; `JWT_SECRET` in the environment stands in for none, and without either tokens end with the process. */
  jwt_secret: Schema.optionalKey(Schema.String),
  jwt_algorithm: Schema.optionalKey(Schema.Literals(["", "HS256", "RS256"])),
  jwt_private_key_pem: Schema.optionalKey(Schema.String),
  jwt_key_id: Schema.optionalKey(Schema.String),
  /** Of access tokens. */
  jwt_expiration: Schema.optionalKey(GoDuration)
}).check(
  Schema.makeFilter(({ jwt_algorithm, jwt_private_key_pem = "" }) =>
    jwt_algorithm !== "RS256" || /^\s*-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(jwt_private_key_pem) ||
    { path: ["jwt_private_key_pem"], issue: "a private RSA key in PEM, which RS256 needs" }
  )
)
export type AuthBlock = typeof AuthBlock.Type

const roles = ["admin", "operator", "viewer"] as const
export type Role = typeof roles[number]

export interface LocalUser {
  /** In lower case. */
  readonly name: string
  readonly hash: Redacted.Redacted
  readonly role: Role
}

/** How tokens of `/auth/login` are signed. */
export interface TokenConfig {
  readonly algorithm: "HS256" | "RS256"
  /** None: one that nobody knows. */
  readonly secret: Option.Option<Redacted.Redacted>
  /** In PEM, of RS256. */
  readonly privateKey: Redacted.Redacted
  readonly keyId: string
  readonly life: Duration.Duration
}

const lifeDefault = Duration.hours(24)

const tokensOf = (block: AuthBlock): TokenConfig => ({
  algorithm: block.jwt_algorithm === "RS256" ? "RS256" : "HS256",
  secret: Option.map(Option.fromNullishOr(block.jwt_secret || undefined), (text) => Redacted.make(text)),
  privateKey: Redacted.make(block.jwt_private_key_pem ?? ""),
  keyId: block.jwt_key_id ?? "",
  life: block.jwt_expiration === undefined || Duration.isZero(block.jwt_expiration) ? lifeDefault : block.jwt_expiration
})

export interface ProviderConfig {
  readonly name: string
  readonly kind: typeof kinds[number]
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  readonly scopes: ReadonlyArray<string>
}

export interface AuthConfig {
  readonly providers: ReadonlyArray<ProviderConfig>
  readonly tokens: TokenConfig
  readonly publicUrl: Option.Option<string>
  readonly mail: Option.Option<{ readonly url: Redacted.Redacted; readonly from: string }>
  readonly localUsers: ReadonlyArray<LocalUser>
  readonly routeProtection: ProtectionBlock
}

/** The highest of those that there are here; who has none may look. */
const roleOf = (name: string, { user_roles = {} }: RbacBlock): Role => {
  const given = user_roles[`local:${name}`] ?? user_roles[name] ?? user_roles[name.toLowerCase()] ?? []
  return roles.find((role) => given.includes(role)) ?? "viewer"
}

/** `beside` is what a file says of roles beside its `auth`. */
export const fromBlock = (block: AuthBlock = {}, beside: RbacBlock = {}): AuthConfig => ({
  tokens: tokensOf(block),
  providers: Object.entries(block.sso_providers ?? {}).map((
    [
      name,
      {
        client_id,
        client_secret,
        issuer,
        kind = issuer === undefined && name === "github" ? "github" : "oidc",
        scopes = []
      }
    ]
  ) => ({
    name,
    kind,
    issuer: (issuer ?? issuers[name] ?? "").replace(/\/+$/, kind === "github" ? "" : "$&"),
    clientId: client_id,
    clientSecret: Redacted.make(client_secret),
    scopes: [...new Set([...(kind === "github" ? ["user:email"] : ["openid", "email"]), ...scopes])]
  })),
  publicUrl: Option.map(Option.fromNullishOr(block.public_url), (url) => url.replace(/\/+$/, "")),
  mail: Option.map(Option.fromNullishOr(block.mail), ({ from, url }) => ({ from, url: Redacted.make(url) })),
  localUsers: Object.entries(block.local_users ?? {}).map(([name, hash]) => ({
    name: name.toLowerCase(),
    hash: Redacted.make(hash),
    role: roleOf(name, { user_roles: { ...beside.user_roles, ...block.rbac?.user_roles } })
  })),
  routeProtection: { ...beside.route_protection, ...block.rbac?.route_protection }
})
