/** What an error of the NATS client means to whoever waits for the server. */
import { AuthorizationError, UserAuthenticationExpiredError } from "@nats-io/transport-node"
import * as TlsFailure from "../../security/TlsFailure.ts"

/** The server, or we, will say no to the next attempt too, until somebody changes credentials or certificates. */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError ||
  TlsFailure.isTlsFailure(cause)

export const detail = (cause: unknown): string => {
  if (!(cause instanceof Error)) return cause === undefined ? "the server closed the connection" : String(cause)
  const code = TlsFailure.codeOf(cause)
  const text = cause.message === "" ? cause.name : cause.message
  return code === "" || text.includes(code) ? text : `${text} (${code})`
}
