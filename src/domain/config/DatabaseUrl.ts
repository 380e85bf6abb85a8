import { Schema } from "effect"

const scheme = /^postgres(?:ql)?:\/\/[^\s]+$/

/** Drivers take one without a host, too: `postgresql://user@/name?host=/run/postgresql`. */
const isAddress = (text: string): boolean => scheme.test(text) && URL.canParse(text.replace("@/", "@host/"))

/** A PostgreSQL address; it may carry a password, so it is never shown. */
export const DatabaseUrl = Schema.String.check(
  Schema.makeFilter(isAddress, { expected: "an address such as \"postgresql://user@host:5432/database\"" })
)
