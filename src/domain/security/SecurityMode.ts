/**
 * `SERVICERADAR_SECURITY_MODE`: how much of the TLS that a configuration asks for is wanted where the program runs.
 *
 * Unset means `production`. A configuration without certificates is then served and dialled in plain text with a warning,
 * as the existing services do; it is refused only where `production` is said aloud, because somebody then counts on it.
 */
import { Option, Result } from "effect"

export const modes = ["development", "hybrid", "production"] as const
export type SecurityMode = typeof modes[number]

export interface SecurityModeSetting {
  readonly mode: SecurityMode
  readonly isExplicit: boolean
}

export const expectation = `one of ${modes.join(", ")}`

export const unset: SecurityModeSetting = { mode: "production", isExplicit: false }

/** Fails with what was expected. */
export const parse = (text: Option.Option<string>): Result.Result<SecurityModeSetting, string> => {
  if (Option.isNone(text) || text.value.trim() === "") return Result.succeed(unset)
  const wanted = text.value.trim().toLowerCase()
  const mode = modes.find((one) => one === wanted)
  return mode === undefined ? Result.fail(expectation) : Result.succeed({ mode, isExplicit: true })
}

/** Where a connection goes to or comes in, without a port. */
const loopback = /^(localhost|localhost\.|127(\.\d{1,3}){3}|::1|\[::1\]|::ffff:127(\.\d{1,3}){3})$/i

export const isLoopback = (host: string): boolean => loopback.test(host)

/** `tls`: as configured. `plain`: without, although it is configured. `missing`: it is not configured, and must be. */
export type Choice = "tls" | "plain" | "missing"

export const choose = (
  setting: SecurityModeSetting,
  connection: { readonly hasCertificates: boolean; readonly host: string }
): Choice => {
  const { mode, isExplicit } = setting
  if (mode === "development") return "plain"
  if (mode === "hybrid" && isLoopback(connection.host)) return "plain"
  if (connection.hasCertificates) return "tls"
  return isExplicit ? "missing" : "plain"
}
