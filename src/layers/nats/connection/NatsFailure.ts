/** What an error of the NATS client means to whoever waits for the server. */
import { AuthorizationError, UserAuthenticationExpiredError } from "@nats-io/transport-node"

/** Certificates that do not fit, by the codes of Node's TLS. */
const tlsCodes = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** The server, or we, will say no to the next attempt too, until somebody changes credentials or certificates. */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError || tlsCodes.test(codeOf(cause))

export const detail = (cause: unknown): string => {
  if (!(cause instanceof Error)) return cause === undefined ? "the server closed the connection" : String(cause)
  const code = codeOf(cause)
  const text = cause.message === "" ? cause.name : cause.message
  return code === "" || text.includes(code) ? text : `${text} (${code})`
}
