/** The headers that two ends of a connection know by numbers (RFC 7541, sections 2.3 and appendix A). */

/** As a table counts what it holds, beside the texts. */
const entryBytes = 32

export const bytesOf = (name: string, value: string): number => name.length + value.length + entryBytes

export const tableBytesDefault = 4_096

export interface Entry {
  readonly name: string
  readonly value: string
}

const entry = (name: string, value = ""): Entry => ({ name, value })

/** The first has the number 1. */
export const fixed: ReadonlyArray<Entry> = [
  entry(":authority"),
  entry(":method", "GET"),
  entry(":method", "POST"),
  entry(":path", "/"),
  entry(":path", "/index.html"),
  entry(":scheme", "http"),
  entry(":scheme", "https"),
  ...["200", "204", "206", "304", "400", "404", "500"].map((code) => entry(":status", code)),
  entry("accept-charset"),
  entry("accept-encoding", "gzip, deflate"),
  ...[
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate"
  ].map((name) => entry(name))
]
