/** What a traced child does with one message. */
import * as Schema from "effect/Schema"

export const TraceEvent = Schema.Struct({
  /** Of the child. */
  path: Schema.String,
  /** Wall clock, milliseconds since 1970. */
  at: Schema.Finite,
  kind: Schema.Literals(["call", "cast"]),
  /** The message's name; its content may be secret. */
  message: Schema.String,
  what: Schema.Literals(["received", "answered", "handled", "failed"]),
  /** Why it failed; else empty. */
  detail: Schema.String
})
export type TraceEvent = typeof TraceEvent.Type
