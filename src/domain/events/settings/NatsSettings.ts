/**
 * How the event writer gets to NATS: addresses, who it is, and what secures the way.
 *
 * Addresses are a list as the clients take it: `nats://a:4222,tls://b:4222`; without a scheme `nats://` is meant.
 */
import { Option, Redacted, Schema } from "effect"
import * as SecurityConfig from "../../security/SecurityConfig.ts"

/** The first of these that is configured counts. */
export type NatsCredentials =
  | { readonly _tag: "CredsFile"; readonly path: string }
  | { readonly _tag: "Nkey"; readonly seed: Redacted.Redacted; readonly jwt: Option.Option<Redacted.Redacted> }
  | { readonly _tag: "User"; readonly user: string; readonly password: Redacted.Redacted }
  /** None but what the address has. */
  | { readonly _tag: "None" }

export interface NatsSettings {
  /** None: published by whoever runs a server. */
  readonly url: Option.Option<Redacted.Redacted>
  readonly credentials: NatsCredentials
  /** Certificates for both sides; without them a `tls://` address is still encrypted. */
  readonly security: SecurityConfig.SecurityConfig
}

export const urlDefault = Redacted.make("nats://localhost:4222")

const server = /^(?:(?:nats|tls):\/\/)?(?:[^\s@/,]*@)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/@,[\]]+)(?::(\d{1,5}))?\/?$/

const isServer = (text: string): boolean => {
  const found = server.exec(text)
  return found !== null && Number(found[1] ?? 4222) <= 65_535
}

const withScheme = (text: string): string => text.includes("://") ? text : `nats://${text}`

/** Every address of the list, or none when one of them is not an address. */
export const parseUrl = (text: string): Option.Option<string> => {
  const servers = text.split(",").map((one) => one.trim()).filter((one) => one !== "")
  return servers.length > 0 && servers.every(isServer)
    ? Option.some(servers.map(withScheme).join(","))
    : Option.none()
}

export const urlExpectation = "an address such as \"nats://127.0.0.1:4222\", or several with commas between them"

export const NatsUrl = Schema.String.check(
  Schema.makeFilter((text) => Option.isSome(parseUrl(text)) || urlExpectation)
)

/** The names that the certificates of the existing installations have, and the name of their server. */
export const ofCertificateDirectory = (directory: string): SecurityConfig.SecurityConfig =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: directory,
    server_name: "nats.serviceradar",
    tls: { ca_file: "root.pem", cert_file: "core.pem", key_file: "core-key.pem" }
  })
