/**
 * Whether a peer may call a method: it must be on the allow list where there is one, have a role, and the role must have
 * the permission that the method states.
 */
import { Option, Result, Schema } from "effect"
import * as CertificateIdentity from "./CertificateIdentity.ts"
import type { Requirement } from "./Permission.ts"
import * as Role from "./Role.ts"

const fields = { peer: Schema.String, method: Schema.String }

/** A certificate may name nobody, or several. */
const called = (peer: string): string => peer === "" ? "a certificate without one common name" : peer

/** Connected without a certificate where one is needed. */
export class NoCertificate extends Schema.TaggedError<NoCertificate>()("NoCertificate", { method: Schema.String }) {
  override get message(): string {
    return `${this.method} needs a client certificate`
  }
}

/** The certificate verifies, but its name is on no list and has no role. */
export class UnknownIdentity extends Schema.TaggedError<UnknownIdentity>()("UnknownIdentity", fields) {
  override get message(): string {
    return `${called(this.peer)} has no role here, so it may not call ${this.method}`
  }
}

export class NotAllowed extends Schema.TaggedError<NotAllowed>()("NotAllowed", fields) {
  override get message(): string {
    return `${called(this.peer)} is not one of the allowed_common_names, so it may not call ${this.method}`
  }
}

export class MissingPermission extends Schema.TaggedError<MissingPermission>()("MissingPermission", {
  ...fields,
  permission: Schema.String
}) {
  override get message(): string {
    return `${called(this.peer)} lacks the permission "${this.permission}" that ${this.method} needs`
  }
}

export type AuthorizationError = NoCertificate | UnknownIdentity | NotAllowed | MissingPermission

export interface AuthorizationPolicy {
  /** Names of identities; none allows every one that has a role. */
  readonly allowedNames: Option.Option<ReadonlySet<string>>
  /** Roles that the configuration gives to names. */
  readonly roles: Role.RoleNames
}

export const everyRole: AuthorizationPolicy = { allowedNames: Option.none(), roles: {} }

export const decide = (
  identity: CertificateIdentity.CertificateIdentity,
  call: { readonly method: string; readonly requirement: Requirement },
  policy: AuthorizationPolicy
): Result.Result<Option.Option<Role.RoleName>, AuthorizationError> => {
  const peer = CertificateIdentity.nameOf(identity)
  const { method, requirement } = call
  if (Option.isSome(policy.allowedNames) && !policy.allowedNames.value.has(peer)) {
    return Result.fail(new NotAllowed({ peer, method }))
  }
  const role = Role.ofIdentity(identity, policy.roles)
  if (requirement === "none") return Result.succeed(role)
  if (Option.isNone(role)) return Result.fail(new UnknownIdentity({ peer, method }))
  return Role.permits(role.value, requirement)
    ? Result.succeed(role)
    : Result.fail(new MissingPermission({ peer, method, permission: requirement }))
}
