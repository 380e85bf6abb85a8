/** Says why a TLS connection failed, in words instead of OpenSSL's. */

const certificateWords: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not valid yet: compare the clocks",
  CERT_REVOKED: "certificate has been revoked",
  CERT_UNTRUSTED: "certificate is not signed by a trusted authority",
  CERT_REJECTED: "certificate is rejected by its authority",
  CERT_SIGNATURE_FAILURE: "the signature of the certificate is wrong",
  CERT_CHAIN_TOO_LONG: "the chain of certificates is too long",
  INVALID_CA: "an issuer in the chain is no authority",
  INVALID_PURPOSE: "certificate is not meant for servers",
  PATH_LENGTH_EXCEEDED: "the chain of certificates is longer than its authority allows",
  HOSTNAME_MISMATCH: "certificate is for another name",
  UNABLE_TO_GET_ISSUER_CERT: "an issuer in the chain is missing",
  DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in the chain",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate is not signed by a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate is not signed by a trusted authority"
}

/** OpenSSL's own, by the end of their code: in front of it stand library and protocol, which change. */
const tlsWords: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER_FAILURE/,
    "the server does not speak TLS on this port"
  ],
  [
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW/,
    "client and server share no version of TLS"
  ],
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_CIPHER/,
    "the server refused the handshake: no cipher in common, or it wants a certificate"
  ],
  [/CERTIFICATE_REQUIRED/, "the server wants a client certificate"],
  [
    /ALERT_BAD_CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_CERTIFICATE|ALERT_ACCESS_DENIED/,
    "the server refuses the client certificate"
  ],
  [/UNRECOGNIZED_NAME/, "the server knows no such name"],
  [/NO_APPLICATION_PROTOCOL/, "client and server share no protocol above TLS"],
  [
    /KEY_TOO_SMALL|MD_TOO_WEAK|DIGEST_TOO_WEAK|UNSAFE_LEGACY_RENEGOTIATION/,
    "the server's keys or algorithms are too weak to be accepted"
  ],
  [/DECRYPT_ERROR|DECRYPTION_FAILED|BAD_RECORD_MAC|BAD_SIGNATURE/, "the TLS records of the server cannot be decrypted"],
  [/INTERNAL_ERROR/, "the server failed during the handshake"],
  [/UNEXPECTED_EOF/, "the server closed the connection during the handshake"]
]

/** The name that was asked for and those that the certificate has. */
const otherName = (error: unknown): string => {
  const names = typeof error === "object" && error !== null && "cert" in error &&
      typeof error.cert === "object" && error.cert !== null && "subjectaltname" in error.cert &&
      typeof error.cert.subjectaltname === "string"
    ? `: it has ${error.cert.subjectaltname}`
    : ""
  return `certificate is for another name${names}`
}

/** Undefined for what is no error of TLS. */
export const describe = (error: unknown, code: string): string | undefined => {
  const known = certificateWords[code]
  if (known !== undefined) return known
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return otherName(error)
  if (code !== "EPROTO" && !code.startsWith("ERR_SSL_")) return undefined
  const text = `${code} ${error instanceof Error ? error.message : ""}`.toUpperCase().replaceAll(" ", "_")
  const found = tlsWords.find(([pattern]) => pattern.test(text))?.[1]
  if (found !== undefined) return found
  return code === "EPROTO" ? "the server does not speak TLS as expected" : `TLS: ${plain(code)}`
}

/** `ERR_SSL_BAD_EXTENSION` without the machine in it. */
const plain = (code: string): string => code.replace(/^ERR_SSL_/, "").toLowerCase().replaceAll("_", " ")
