/** Says why a system call failed, in words instead of `ECONNREFUSED`. */

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name could not be resolved (temporary failure)",
  EADDRNOTAVAIL: "address is not available",
  EPIPE: "connection closed while sending",
  CERT_HAS_EXPIRED: "certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in the chain",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate is not signed by a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate is not signed by a trusted authority"
}

const codeOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined

/** Short text for an operator; the error's own message where no better words are known. */
export const describe = (error: unknown): string => {
  // With several addresses for a name Node reports an AggregateError without a message of its own.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(describe))].join("; ")
  }
  const code = codeOf(error)
  const known = code === undefined ? undefined : words[code]
  if (known !== undefined) return known
  const text = error instanceof Error ? error.message : String(error)
  return text === "" ? code ?? "unknown error" : text
}
