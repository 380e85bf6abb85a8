/** Packages as the existing core shows them. */
import { type DateTime, Option, Redacted, Schema } from "effect"
import { type Stored, toJson } from "../../../domain/records/Record.ts"
import * as EdgePackages from "../../edge/EdgePackages.ts"

const shownAs = {
  package_id: "id",
  label: "label",
  component_id: "componentId",
  component_type: "componentType",
  parent_type: "parentType",
  parent_id: "parentId",
  poller_id: "pollerId",
  site: "site",
  join_token_expires_at: "createdAt",
  download_token_expires_at: "tokenExpiresAt",
  created_by: "createdBy",
  created_at: "createdAt",
  updated_at: "updatedAt",
  delivered_at: "deliveredAt",
  activated_at: "activatedAt",
  activated_from_ip: "activatedFrom",
  revoked_at: "revokedAt",
  deleted_at: "deletedAt",
  deleted_by: "deletedBy",
  metadata_json: "metadataJson",
  checker_kind: "checkerKind",
  notes: "notes",
  security_mode: "securityMode"
}

/** What is not there is left out, as there. */
const shownOf = (names: Readonly<Record<string, string>>, { values }: Stored) =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, of]) => {
      const value = toJson(values[of] ?? null)
      return value === null ? [] : [[name, value]]
    })
  )

/** There is no id of SPIRE. */
export const viewOf = (stored: Stored, now: DateTime.Utc) => ({
  ...shownOf(shownAs, stored),
  status: EdgePackages.statusOf(stored, now),
  downstream_spiffe_id: ""
})

const Metadata = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))
const decodeMetadata = Schema.decodeUnknownOption(Metadata)

/** Where it finds others, as far as its maker has said. */
const endpoints = {
  core: ["core_endpoint", "core_address"],
  poller: ["poller_endpoint"],
  kv: ["kv_endpoint", "kv_address"]
}

/** What its maker has said of where it finds others. */
export const told = ({ values }: Stored) => {
  const metadata = Option.getOrElse(decodeMetadata(values["metadataJson"]), (): typeof Metadata.Type => ({}))
  const addressOf = (keys: ReadonlyArray<string>) => keys.map((key) => metadata[key]).find((one) => one !== undefined)
  return {
    core: addressOf(endpoints.core),
    poller: addressOf(endpoints.poller),
    kv: addressOf(endpoints.kv),
    serverName: metadata["server_name"] ??
      (values["componentType"] === "checker" ? "poller.serviceradar" : "core.serviceradar")
  }
}

const bundleOf = ({ certificate, stored }: EdgePackages.Handed) => {
  const { serverName, ...addresses } = told(stored)
  return {
    ca_cert_pem: certificate.ca,
    client_cert_pem: certificate.cert,
    client_key_pem: Redacted.value(certificate.key),
    server_name: serverName,
    endpoints: Object.fromEntries(Object.entries(addresses).filter(([, address]) => address !== undefined)),
    generated_at: toJson(certificate.generatedAt),
    expires_at: toJson(certificate.expiresAt)
  }
}

/** The token to join with is one of SPIRE. Settings of a checker, which may hold passwords, are shown here alone. */
export const handed = (what: EdgePackages.Handed, now: DateTime.Utc) => ({
  package: {
    ...viewOf(what.stored, now),
    ...shownOf({ checker_config_json: "checkerConfigJson" }, what.stored)
  },
  join_token: "",
  bundle_pem: what.certificate.ca,
  mtls_bundle: bundleOf(what)
})
