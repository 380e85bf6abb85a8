/** What this writer does otherwise than the Go writer on purpose, as `docs/compatibility.md` has it. */
export const reasons = {
  unreadable: "what cannot be read is a dead letter, not a row with an empty id",
  fields: "a field of a wrong type or by another name costs no other field",
  filled: "the current form fills what an event leaves empty (message, source, severity)",
  ids: "a plain event without an id has one from its content",
  noTime: "an event without a time has the time of receipt",
  gelf: "a time of GELF is exact, not a microsecond low",
  leftOut: "attributes that are false, 0, lists or maps are kept",
  fractions: "fractions in attributes are kept as they are, not with six digits",
  bodies: "a log's body that is no text is kept as JSON",
  secrets: "communities, keys and passwords are stored nowhere"
} as const
