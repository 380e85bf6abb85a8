/**
 * Who is believed about a source: the authorities that Node brings along, and those of this machine, among which the
 * authority of a company is. The Go service asks the machine alone.
 */
import * as tls from "node:tls"

let made: tls.SecureContext | undefined

/** Read once, at the first source that speaks TLS. */
export const context = (): tls.SecureContext =>
  made ??= tls.createSecureContext({
    ca: [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])]
  })
