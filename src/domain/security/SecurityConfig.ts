/**
 * The `security` object of the configuration files, and what it comes to.
 *
 * Paths resolve the same way wherever the object stands: a relative file is in `cert_dir`, joined once; without
 * `client_ca_file` the `ca_file` also verifies clients. (The Go services join a relative `cert_dir` twice at the top
 * level and not at all for the client CA of an agent's block; absolute paths mean the same to both.) `role` is checked
 * but decides nothing: certificate and key are loaded for both directions.
 */
import { Option, Schema } from "effect"

const TlsFiles = Schema.Struct({
  cert_file: Schema.optionalKey(Schema.String),
  key_file: Schema.optionalKey(Schema.String),
  ca_file: Schema.optionalKey(Schema.String),
  client_ca_file: Schema.optionalKey(Schema.String),
  /** In shipped files, where it is never true. */
  skip_verify: Schema.optionalKey(Schema.Boolean)
})

const roles = ["", "poller", "agent", "core", "kv", "datasvc", "checker"]

const Block = Schema.Struct({
  mode: Schema.optionalKey(Schema.String),
  cert_dir: Schema.optionalKey(Schema.String),
  /** The name a server's certificate must carry; the host of the address when empty. */
  server_name: Schema.optionalKey(Schema.String),
  role: Schema.optionalKey(Schema.String),
  tls: Schema.optionalKey(TlsFiles),
  trust_domain: Schema.optionalKey(Schema.String),
  server_spiffe_id: Schema.optionalKey(Schema.String),
  workload_socket: Schema.optionalKey(Schema.String)
})

const modeOf = (block: typeof Block.Type): string => (block.mode ?? "").toLowerCase()

const modeProblems = (block: typeof Block.Type): ReadonlyArray<Schema.FilterIssue> => {
  const mode = modeOf(block)
  if (mode === "" || mode === "none") return []
  if (mode === "spiffe") return [{ path: ["mode"], issue: "\"none\" or \"mtls\"; SPIFFE is not supported yet" }]
  if (mode !== "mtls") return [{ path: ["mode"], issue: "\"none\" or \"mtls\"" }]
  const missing = (["cert_file", "key_file", "ca_file"] as const).filter((key) => (block.tls?.[key] ?? "") === "")
  return missing.map((key) => ({ path: ["tls", key], issue: "a PEM file, because mode is mtls" }))
}

const roleProblems = (block: typeof Block.Type): ReadonlyArray<Schema.FilterIssue> =>
  modeOf(block) !== "mtls" || roles.includes(block.role ?? "")
    ? []
    : [{ path: ["role"], issue: `one of ${roles.filter((role) => role !== "").join(", ")}` }]

/** For services that read no `role`: files carry any, such as `client`. */
export const RolelessBlock = Block.check(Schema.makeFilter(modeProblems))

/** The object as written in the file, already judged. */
export const SecurityBlock = Block.check(
  Schema.makeFilter((block) => [...modeProblems(block), ...roleProblems(block)])
)
export type SecurityBlock = typeof SecurityBlock.Type

export type SecurityConfig =
  | { readonly _tag: "None" }
  | {
    readonly _tag: "Mtls"
    readonly certFile: string
    readonly keyFile: string
    /** Verifies servers. */
    readonly caFile: string
    /** Verifies clients. */
    readonly clientCaFile: string
    readonly serverName: Option.Option<string>
  }

export const none: SecurityConfig = { _tag: "None" }

/** Plain text when the object or its mode is absent, as the existing services do. */
export const fromBlock = (block: SecurityBlock | undefined): SecurityConfig => {
  if (block === undefined || modeOf(block) !== "mtls") return none
  const within = (file: string | undefined): string => resolve(block.cert_dir ?? "", file ?? "")
  const caFile = within(block.tls?.ca_file)
  const clientCa = block.tls?.client_ca_file ?? ""
  return {
    _tag: "Mtls",
    certFile: within(block.tls?.cert_file),
    keyFile: within(block.tls?.key_file),
    caFile,
    clientCaFile: clientCa === "" ? caFile : within(clientCa),
    serverName: Option.filter(Option.fromNullishOr(block.server_name), (name) => name !== "")
  }
}

const isAbsolute = (path: string): boolean => path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)

const resolve = (folder: string, file: string): string =>
  folder === "" || isAbsolute(file) ? file : `${folder.replace(/\/+$/, "")}/${file}`
