/**
 * The `security` object of the configuration files, and what it comes to.
 *
 * Paths resolve the same way wherever the object stands: a relative file is in `cert_dir`, joined once; without
 * `client_ca_file` the `ca_file` also verifies clients. (The Go services join a relative `cert_dir` twice at the top
 * level and not at all for the client CA of an agent's block; absolute paths mean the same to both.) `role` is checked
 * but decides nothing: certificate and key are loaded for both directions.
 *
 * In mode `spiffe` the certificates come from the Workload API, and `tls` counts only where no `workload_socket` is named:
 * then its files hold the SVID that somebody else fetches.
 */
import { Option, Result, Schema } from "effect"
import { type Rates, RoleName, type RoleNames } from "./Role.ts"
import * as SigningPolicy from "./SigningPolicy.ts"
import * as SpiffeId from "./SpiffeId.ts"

const TlsFiles = Schema.Struct({
  cert_file: Schema.optionalKey(Schema.String),
  key_file: Schema.optionalKey(Schema.String),
  ca_file: Schema.optionalKey(Schema.String),
  client_ca_file: Schema.optionalKey(Schema.String),
  /** In shipped files, where it is never true. */
  skip_verify: Schema.optionalKey(Schema.Boolean)
})

const roles = ["", "poller", "agent", "core", "kv", "datasvc", "checker"]

const RateLimit = Schema.Struct({
  per_second: Schema.Finite.check(Schema.isGreaterThan(0)),
  burst: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
})

const Block = Schema.Struct({
  mode: Schema.optionalKey(Schema.String),
  cert_dir: Schema.optionalKey(Schema.String),
  /** The name a server's certificate must carry; the host of the address when empty. */
  server_name: Schema.optionalKey(Schema.String),
  role: Schema.optionalKey(Schema.String),
  tls: Schema.optionalKey(TlsFiles),
  trust_domain: Schema.optionalKey(Schema.String),
  server_spiffe_id: Schema.optionalKey(Schema.String),
  workload_socket: Schema.optionalKey(Schema.String),
  /** Common names, or SPIFFE ids, of the peers that may connect, in both directions; every peer when absent. */
  allowed_common_names: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Roles of peers whose certificates carry other names than those of the reference; a key of our own. */
  identity_roles: Schema.optionalKey(Schema.Record(Schema.String, RoleName)),
  /** Calls that one peer of a role may make, in place of those of the reference; a key of our own. */
  rate_limits: Schema.optionalKey(Schema.Struct({
    core: Schema.optionalKey(RateLimit),
    poller: Schema.optionalKey(RateLimit),
    agent: Schema.optionalKey(RateLimit),
    sync: Schema.optionalKey(RateLimit)
  })),
  /** Signatures of calls; a key of our own. */
  signing: Schema.optionalKey(SigningPolicy.SigningBlock),
  /** When a peer that is dialled is left alone for a while; a key of our own. */
  circuit: Schema.optionalKey(Schema.Struct({
    security_failures: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
    other_failures: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
    open_seconds: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))
  }))
})

const modeOf = (block: typeof Block.Type): string => (block.mode ?? "").toLowerCase()

const fileKeys = ["cert_file", "key_file", "ca_file"] as const

const missingFiles = (block: typeof Block.Type) => fileKeys.filter((key) => (block.tls?.[key] ?? "") === "")

const trustDomainOf = (block: typeof Block.Type): Option.Option<string> =>
  Option.flatMap(given(block.trust_domain), SpiffeId.parseTrustDomain)

/** `unix:/path`, `unix:///path`, a bare path, or `tcp://address:port`. */
const socketPattern = /^(unix:\/|\/|tcp:\/\/[^\s/]+:\d{1,5}\/?$)/

const spiffeProblems = (block: typeof Block.Type): ReadonlyArray<Schema.FilterIssue> => {
  const problems: Array<Schema.FilterIssue> = []
  const domain = trustDomainOf(block)
  if (Option.isSome(given(block.trust_domain)) && Option.isNone(domain)) {
    problems.push({ path: ["trust_domain"], issue: "a trust domain such as example.org" })
  }
  const expected = Option.map(given(block.server_spiffe_id), (id) => SpiffeId.expand(id, domain))
  if (Option.isSome(expected) && Result.isFailure(expected.value)) {
    problems.push({ path: ["server_spiffe_id"], issue: expected.value.failure })
  }
  if (Option.exists(given(block.workload_socket), (socket) => !socketPattern.test(socket))) {
    problems.push({ path: ["workload_socket"], issue: "a socket such as unix:/run/spire/sockets/agent.sock" })
  }
  return problems
}

const modeProblems = (block: typeof Block.Type): ReadonlyArray<Schema.FilterIssue> => {
  const mode = modeOf(block)
  if (mode === "" || mode === "none") return []
  if (mode === "spiffe") return spiffeProblems(block)
  if (mode !== "mtls") return [{ path: ["mode"], issue: "\"none\", \"mtls\" or \"spiffe\"" }]
  return missingFiles(block).map((key) => ({ path: ["tls", key], issue: "a PEM file, because mode is mtls" }))
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

/** A certificate, its key and the roots of its peers, in PEM files. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
  /** Verifies servers. */
  readonly caFile: string
  /** Verifies clients. */
  readonly clientCaFile: string
}

/** Failures with no success in between after which a peer that is dialled is left alone. */
export interface CircuitRules {
  readonly securityFailures: number
  readonly otherFailures: number
  /** After failures of security. */
  readonly openSeconds: number
}

const circuitDefault: CircuitRules = { securityFailures: 3, otherFailures: 5, openSeconds: 60 }

/** Which peers are let in, beyond a certificate that verifies, and what is made of their failures. */
export interface PeerRules {
  readonly allowedNames: Option.Option<ReadonlySet<string>>
  readonly roles: RoleNames
  readonly rates: Rates
  readonly signing: SigningPolicy.SigningPolicy
  readonly circuit: CircuitRules
}

export const anyPeer: PeerRules = {
  allowedNames: Option.none(),
  roles: {},
  rates: {},
  signing: SigningPolicy.unsigned,
  circuit: circuitDefault
}

export interface Mtls extends CertificateFiles {
  readonly _tag: "Mtls"
  readonly serverName: Option.Option<string>
  readonly peers: PeerRules
}

export interface Spiffe {
  readonly _tag: "Spiffe"
  /** None: from the Workload API. */
  readonly files: Option.Option<CertificateFiles>
  /** None: what `SPIFFE_ENDPOINT_SOCKET` names, else the usual place. */
  readonly workloadSocket: Option.Option<string>
  readonly trustDomain: Option.Option<string>
  /** The only server that is dialled. */
  readonly serverId: Option.Option<SpiffeId.SpiffeId>
  readonly peers: PeerRules
}

export type SecurityConfig = { readonly _tag: "None" } | Mtls | Spiffe

export const none: SecurityConfig = { _tag: "None" }

const filesOf = (block: SecurityBlock): CertificateFiles => {
  const within = (file: string | undefined): string => resolve(block.cert_dir ?? "", file ?? "")
  const caFile = within(block.tls?.ca_file)
  const clientCa = block.tls?.client_ca_file ?? ""
  return {
    certFile: within(block.tls?.cert_file),
    keyFile: within(block.tls?.key_file),
    caFile,
    clientCaFile: clientCa === "" ? caFile : within(clientCa)
  }
}

const spiffe = (block: SecurityBlock, peers: PeerRules): Spiffe => {
  const workloadSocket = given(block.workload_socket)
  const trustDomain = trustDomainOf(block)
  return {
    _tag: "Spiffe",
    files: Option.isNone(workloadSocket) && missingFiles(block).length === 0
      ? Option.some(filesOf(block))
      : Option.none(),
    workloadSocket,
    trustDomain,
    serverId: Option.flatMap(
      given(block.server_spiffe_id),
      (id) => Result.getSuccess(SpiffeId.expand(id, trustDomain))
    ),
    peers
  }
}

const rateOf = (limit: typeof RateLimit.Type | undefined) =>
  limit === undefined ? undefined : { perSecond: limit.per_second, burst: limit.burst }

const ratesOf = ({ rate_limits: limits }: SecurityBlock): Rates =>
  limits === undefined ? {} : {
    core: rateOf(limits.core),
    poller: rateOf(limits.poller),
    agent: rateOf(limits.agent),
    sync: rateOf(limits.sync)
  }

const circuitOf = ({ circuit }: SecurityBlock): CircuitRules => ({
  securityFailures: circuit?.security_failures ?? circuitDefault.securityFailures,
  otherFailures: circuit?.other_failures ?? circuitDefault.otherFailures,
  openSeconds: circuit?.open_seconds ?? circuitDefault.openSeconds
})

/** Plain text when the object or its mode is absent, as the existing services do. */
export const fromBlock = (block: SecurityBlock | undefined): SecurityConfig => {
  if (block === undefined) return none
  const mode = modeOf(block)
  const peers: PeerRules = {
    allowedNames: Option.map(Option.fromUndefinedOr(block.allowed_common_names), (names) => new Set(names)),
    roles: block.identity_roles ?? {},
    rates: ratesOf(block),
    signing: SigningPolicy.fromBlock(block.signing),
    circuit: circuitOf(block)
  }
  if (mode === "spiffe") return spiffe(block, peers)
  return mode === "mtls" ? { _tag: "Mtls", ...filesOf(block), serverName: given(block.server_name), peers } : none
}

const given = (text: string | undefined): Option.Option<string> =>
  Option.filter(Option.fromUndefinedOr(text), (text) => text !== "")

const isAbsolute = (path: string): boolean => path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)

const resolve = (folder: string, file: string): string =>
  folder === "" || isAbsolute(file) ? file : `${folder.replace(/\/+$/, "")}/${file}`
