/** Whether an error of Node means that certificates do not fit, by its code. */

const codes = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/

export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

export const isTlsFailure = (cause: unknown): boolean => codes.test(codeOf(cause))
