/**
 * Which durable consumers bring the messages of a logical stream from one JetStream stream.
 *
 * One without a filter where everything in there is wanted, else one per filter. Servers since 2.10 would take several
 * filters at one consumer, but lose messages then: 2.10.27 passes over those of `otel.logs` for a consumer of `otel.logs`
 * and `otel.logs.>`.
 */
import { type StreamName } from "./Streams.ts"
import { filterSubjects, routeOfFilter } from "./Subject.ts"
import * as SubjectPattern from "./SubjectPattern.ts"

export interface PlannedConsumer {
  readonly jetStream: string
  readonly durable: string
  /** Undefined: all subjects of the stream. */
  readonly filter: string | undefined
}

export interface ConsumerPlanOptions {
  readonly stream: StreamName
  /** What the names of the durables begin with. */
  readonly consumer: string
  /** Tokens that may stand in front of a subject, besides none; `*` for any. */
  readonly tenants: ReadonlyArray<string>
  /** Filters that somebody listed; the logical streams among them have no other subjects. */
  readonly listed?: ReadonlyArray<string> | undefined
  readonly jetStream: { readonly name: string; readonly subjects: ReadonlyArray<string> }
}

/** The subjects of a logical stream, also with the tenants in front: those that are listed, or else all. */
export const wanted = (
  stream: StreamName,
  tenants: ReadonlyArray<string>,
  listed: ReadonlyArray<string> = []
): ReadonlyArray<string> => {
  const chosen = listed.filter((filter) => routeOfFilter(filter)?.stream === stream)
  const filters = chosen.length > 0 ? chosen : filterSubjects([stream])
  const bare = filters.filter((filter) => routeOfFilter(filter)?.tenant === undefined)
  return SubjectPattern.minimal([
    ...filters,
    ...tenants.flatMap((tenant) => bare.map((filter) => `${tenant}.${filter}`))
  ])
}

/** `<consumer>-<stream>`, lower case, `-` for what is neither a letter nor a digit: one name for all writers. */
export const durableName = (consumer: string, stream: StreamName): string =>
  `${consumer}-${stream.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`

const escapeCharacter = (character: string): string => {
  if (character === ".") return "_"
  if (character === "*") return "=any"
  if (character === ">") return "=all"
  return [...new TextEncoder().encode(character)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join("")
}

/** Any text as a name that JetStream and addresses allow, and two texts never as the same. */
export const escapeName = (text: string): string => text.replaceAll(/[^A-Za-z0-9-]/gu, escapeCharacter)

/** Empty when the stream has nothing of what is wanted. */
export const make = (options: ConsumerPlanOptions): ReadonlyArray<PlannedConsumer> => {
  const { consumer, jetStream, stream, tenants } = options
  const filters = wanted(stream, tenants, options.listed)
  const durable = durableName(consumer, stream)
  const parts = SubjectPattern.minimal(
    jetStream.subjects.flatMap((subject) =>
      filters.flatMap((filter) => SubjectPattern.intersect(filter, subject) ?? [])
    )
  )
  if (parts.length === 0) return []
  const isAll = jetStream.subjects.every((subject) => filters.some((filter) => SubjectPattern.covers(filter, subject)))
  if (isAll) return [{ jetStream: jetStream.name, durable, filter: undefined }]
  return parts.map((filter) => ({
    jetStream: jetStream.name,
    durable: parts.length === 1 ? durable : `${durable}-${escapeName(filter)}`,
    filter
  }))
}

/**
 * The subjects of the JetStream stream to create for a logical one: no two streams share a subject, so what is under a
 * wider filter of another one stays there. Tenants count by name only; `*` would take subjects from all streams.
 */
export const streamSubjects = (
  stream: StreamName,
  all: ReadonlyArray<StreamName>,
  tenants: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const named = tenants.filter((tenant) => tenant !== "*")
  const others = all.filter((other) => other !== stream).flatMap((other) => wanted(other, named))
  return wanted(stream, named).filter((subject) => !others.some((other) => SubjectPattern.covers(other, subject)))
}
