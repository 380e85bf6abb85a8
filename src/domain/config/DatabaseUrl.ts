import { Schema } from "effect"

/** A PostgreSQL address; it may carry a password, so it is never shown. */
export const DatabaseUrl = Schema.String.check(
  Schema.isPattern(/^postgres(ql)?:\/\/[^\s]+$/, {
    expected: "an address such as \"postgresql://user@host:5432/database\""
  })
)
