/**
 * Two kinds of failure for a circuit breaker: a peer that refuses us, or that we must refuse, is not tried ten times.
 */

export type FailureClass = "security" | "other"

/** What TLS, gRPC and servers say when it is about who we or they are. */
const securityText =
  /certificate|CERT_|\bALTNAME\b|self[- ]signed|unable to verify|\bSSL\b|\bTLS\b|handshake|unauthenticated|permission ?denied|not allowed|PERMISSION_DENIED/i

/** Classifies by the status where there is one, else by the text of the transport. */
export const classify = (failure: { readonly status: string; readonly detail: string }): FailureClass => {
  if (failure.status === "Unauthenticated" || failure.status === "PermissionDenied") return "security"
  return failure.status === "Unavailable" && securityText.test(failure.detail) ? "security" : "other"
}
