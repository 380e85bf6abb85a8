/**
 * Certificate, key and roots of this program, as one set that changes while it runs.
 *
 * A set is complete and belongs together, or it is not offered: what is half written, mismatched, expired or unrelated to
 * its roots is refused with its reason, and the set before it stays. Whoever names the same source shares it.
 */
import { Context, type Effect, type Option, type Redacted, Schema, type Scope, type Stream } from "effect"
import type { Validity } from "../../domain/security/CertificateExpiry.ts"
import type { CertificateIdentity } from "../../domain/security/CertificateIdentity.ts"
import type { CertificateFiles } from "../../domain/security/SecurityConfig.ts"

/** A set could not be used; the one before it, if there is one, still is. */
export class CredentialsError extends Schema.TaggedError<CredentialsError>()("CredentialsError", {
  /** The file, or the address of the Workload API; empty when it is about none. */
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return this.file === "" ? this.reason : `TLS file ${this.file}: ${this.reason}`
  }
}

export interface CredentialSet {
  readonly identity: CertificateIdentity
  /** Hexadecimal. */
  readonly serialNumber: string
  /** As short as that of the shortest certificate from ours to its root. */
  readonly validity: Validity
  /** PEM, leaf first. */
  readonly cert: string
  /** PEM. */
  readonly key: Redacted.Redacted<string>
  /** PEM; verifies servers. Empty: those of the system. */
  readonly serverRoots: string
  /** PEM; verifies clients. Empty: nobody is one. */
  readonly clientRoots: string
  /** PEM of each trust domain that peers may belong to; none where names and roots decide. */
  readonly bundles: Option.Option<ReadonlyMap<string, string>>
}

/** Without roots those of the system verify servers. */
export type OwnFiles =
  & Pick<CertificateFiles, "certFile" | "keyFile">
  & {
    readonly [Name in "caFile" | "clientCaFile"]?: string | undefined
  }

/** Where a set comes from. */
export type CredentialOrigin =
  | {
    readonly _tag: "Files"
    readonly files: OwnFiles
    /** The certificate's SPIFFE id says who it is, and peers are judged by theirs. */
    readonly isSvid: boolean
    /** Ours must chain to the roots too. A database or a broker may know us by other roots than those of its own. */
    readonly isRooted: boolean
  }
  /** An empty address is the usual one of the machine. */
  | { readonly _tag: "WorkloadApi"; readonly address: string }

export interface CredentialSource {
  /** None while a Workload API has given none, and when an SVID has expired. */
  readonly current: () => Option.Option<CredentialSet>
  /** The present one, and each after it. */
  readonly changes: Stream.Stream<Option.Option<CredentialSet>>
  /**
   * Tells at once of each after the present one; answers how to stop that. For those of whom there are thousands, each of
   * which would need a fiber to follow `changes`.
   */
  readonly onChange: (listener: () => void) => () => void
  /** Why there is none. */
  readonly trouble: () => string
}

/** Roots without a certificate of ours. */
export interface RootSource {
  /** PEM. */
  readonly current: () => string
  /** They were replaced. */
  readonly renewals: Stream.Stream<unknown>
}

export class Credentials extends Context.Service<Credentials, {
  /**
   * Fails when files cannot be used now. A Workload API is not waited for: an identity may be registered later, and until
   * then connections fail with that reason.
   */
  readonly open: (origin: CredentialOrigin) => Effect.Effect<CredentialSource, CredentialsError, Scope.Scope>
  /** Fails when the file cannot be used now. Watched until the scope closes. */
  readonly openRoots: (file: string) => Effect.Effect<RootSource, CredentialsError, Scope.Scope>
  /** Fails while one of the sources that are open has no set: no connection can be made or taken with it. */
  readonly ready: Effect.Effect<void, CredentialsError>
  /** Watches the sets that are open; without it none is renewed. For a supervisor. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar/services/security/Credentials") {}
