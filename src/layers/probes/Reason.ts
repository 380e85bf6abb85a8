/** Says why a system call failed, in words instead of `ECONNREFUSED`. */
import * as TlsReason from "./tls/TlsReason.ts"

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
  ECONNABORTED: "connection aborted",
  EMFILE: "too many open files on this machine",
  ENFILE: "too many open files on this machine",
  ERR_STREAM_PREMATURE_CLOSE: "the peer closed the connection before the end"
}

const httpWords: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "Header overflow: the headers of the answer are larger than 64 KiB",
  HPE_INVALID_CONSTANT: "Parse Error: the answer is no HTTP",
  HPE_CLOSED_CONNECTION: "the peer sent more after it had closed the connection"
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
  const known = code === undefined ? undefined : words[code] ?? httpWords[code] ?? TlsReason.describe(error, code)
  if (known !== undefined) return known
  const text = error instanceof Error ? error.message : String(error)
  return text === "" ? code ?? "unknown error" : text
}
