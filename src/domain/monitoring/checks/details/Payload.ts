/**
 * What a check answers: the keys of its JSON message, each with a sentence and, where it is a measure, its unit.
 *
 * Every key may be absent: a check that fails early has `error` and little else. Tests hold every message against the
 * schema of its kind, and the page that documents it is made from the same schema.
 */
import { Schema } from "effect"

type Unit = "ns" | "percent" | "bytes" | "days" | "seconds" | "count" | "status"

const key = <S extends Schema.Top>(schema: S, about: string, unit?: Unit) =>
  Schema.optionalKey(schema).annotateKey({ description: about, unit })

export const text = (about: string) => key(Schema.String, about)
export const flag = (about: string) => key(Schema.Boolean, about)
/** A number that is worth a line in a graph. */
export const measure = (unit: Unit, about: string) => key(Schema.Finite, about, unit)
export const texts = (about: string) => key(Schema.Array(Schema.String), about)
export const value = <S extends Schema.Top>(schema: S, about: string) => key(schema, about)

/** In every message of a check that is made in steps. */
export const common = {
  response_time: measure("ns", "how long the check took"),
  error: text("why the target counts as not available; absent when all is well")
}

const stepWords = {
  dns: "resolving the name",
  connect: "opening the TCP connection",
  proxy: "having the proxy open the connection",
  starttls: "asking for TLS in the protocol's own words",
  tls: "the TLS handshake",
  first_byte: "from the request to the first byte of the answer",
  answer: "until as much of the answer as is wanted was there",
  run: "from the program's start to its end"
} as const

export type Step = keyof typeof stepWords

export const describeStep = (step: Step): string => stepWords[step]

/** `timings`: one key for each step, in the order in which they are taken. */
export const timings = (...steps: ReadonlyArray<Step>) =>
  key(
    Schema.Struct({
      ...Object.fromEntries(steps.map((step) => [step, measure("ns", stepWords[step])])),
      total: measure("ns", "all of it")
    }),
    "how long each step took, in nanoseconds"
  )
