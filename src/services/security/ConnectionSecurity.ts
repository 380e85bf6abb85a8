/** What the mode makes of the `security` of a configuration, for one connection. */
import { Effect, Option } from "effect"
import type { Mtls, SecurityConfig, Spiffe } from "../../domain/security/SecurityConfig.ts"
import * as SecurityMode from "../../domain/security/SecurityMode.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import { type CredentialOrigin, CredentialsError } from "./Credentials.ts"
import { CurrentSecurityMode, variable } from "./CurrentSecurityMode.ts"

/** Where the certificates of a configuration come from. */
export const originOf = (security: Mtls | Spiffe): CredentialOrigin => {
  if (security._tag === "Mtls") {
    const { caFile, certFile, clientCaFile, keyFile } = security
    return { _tag: "Files", files: { caFile, certFile, clientCaFile, keyFile }, isSvid: false, isRooted: true }
  }
  return Option.isSome(security.files)
    ? { _tag: "Files", files: security.files.value, isSvid: true, isRooted: true }
    : { _tag: "WorkloadApi", address: Option.getOrElse(security.workloadSocket, () => "") }
}

/** Of a target that is dialled, which without a host is this machine. */
export const hostOf = (target: string): string => HostPort.hostOf(target) || "localhost"

/** To listen without a host is to listen on every interface. */
export const listeningOn = (host: string): string => host === "" ? "0.0.0.0" : host

const effective = Effect.fnUntraced(function*(
  security: SecurityConfig,
  host: string
): Effect.fn.Return<SecurityConfig, CredentialsError> {
  const setting = yield* CurrentSecurityMode
  const hasCertificates = security._tag !== "None"
  switch (SecurityMode.choose(setting, { hasCertificates, host })) {
    case "tls":
      return security
    case "plain":
      return { _tag: "None" }
    case "missing":
      return yield* new CredentialsError({
        file: "",
        reason: `${variable} is ${setting.mode}, but no certificates are configured for ${host}: add a security block`
      })
  }
})

/** For a target that is dialled. */
export const dialling = (security: SecurityConfig, target: string): Effect.Effect<SecurityConfig, CredentialsError> =>
  effective(security, hostOf(target))

/** For a host that is listened on. */
export const listening = (security: SecurityConfig, host: string): Effect.Effect<SecurityConfig, CredentialsError> =>
  effective(security, listeningOn(host))
