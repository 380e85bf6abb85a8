/**
 * What every program needs of security, in one layer: the mode it runs in, the monitor and the certificates.
 *
 * A key that others can read is a warning in development, where there is nobody to hide it from, and an error elsewhere.
 */
import { Config, Effect, Layer, Option } from "effect"
import * as CurrentSecurityMode from "../../services/security/CurrentSecurityMode.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as LiveCredentials from "./LiveCredentials.ts"
import * as SecurityWebhook from "./SecurityWebhook.ts"

const layerWith = (options: LiveCredentials.CredentialsOptions) =>
  Layer.unwrap(
    Effect.map(CurrentSecurityMode.CurrentSecurityMode, ({ mode }) =>
      LiveCredentials.layer({ openKeys: mode === "development" ? "warn" : "refuse", ...options }))
  )
    .pipe(Layer.provideMerge(SecurityMonitor.layer), Layer.provide(SecurityWebhook.layer))

/** As `SERVICERADAR_SECURITY_MODE`, `SPIFFE_ENDPOINT_SOCKET` and `SERVICERADAR_SECURITY_WEBHOOK` say. */
export const layer = Layer.unwrap(
  Effect.map(
    Config.option(Config.String("SPIFFE_ENDPOINT_SOCKET")),
    (socket) => layerWith({ workloadSocket: Option.getOrUndefined(socket) })
  )
).pipe(Layer.provideMerge(CurrentSecurityMode.layerEnvironment))

/** The environment says something about security that cannot be used. */
export type SecurityError = Layer.Error<typeof layer>
