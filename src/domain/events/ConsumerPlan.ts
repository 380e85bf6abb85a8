/**
 * Which durable consumers bring the messages of a logical stream from one JetStream stream.
 *
 * One without a filter where everything in there is wanted; one with all filters where the server takes several that do
 * not overlap; else one per filter. Each message that is wanted is brought, and each by as few as possible.
 */
import { filterSubjects, type StreamName } from "./Subject.ts"
import * as SubjectPattern from "./SubjectPattern.ts"

export interface PlannedConsumer {
  readonly jetStream: string
  readonly durable: string
  /** None: all subjects of the stream. */
  readonly filters: ReadonlyArray<string>
}

export interface ConsumerPlanOptions {
  readonly stream: StreamName
  /** What the names of the durables begin with. */
  readonly consumer: string
  /** Tokens that may stand in front of a subject, besides none; `*` for any. */
  readonly tenants: ReadonlyArray<string>
  readonly jetStream: { readonly name: string; readonly subjects: ReadonlyArray<string> }
  /** Since nats-server 2.10. */
  readonly canFilterMany: boolean
}

/** The subjects of a logical stream, also with the tenants in front. */
export const wanted = (stream: StreamName, tenants: ReadonlyArray<string>): ReadonlyArray<string> => {
  const bare = filterSubjects([stream])
  return SubjectPattern.minimal([...bare, ...tenants.flatMap((tenant) => bare.map((filter) => `${tenant}.${filter}`))])
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

const hasOverlap = (filters: ReadonlyArray<string>): boolean =>
  filters.some((filter, at) => filters.slice(at + 1).some((other) => SubjectPattern.overlaps(filter, other)))

/** Empty when the stream has nothing of what is wanted. */
export const make = (options: ConsumerPlanOptions): ReadonlyArray<PlannedConsumer> => {
  const { canFilterMany, consumer, jetStream, stream, tenants } = options
  const filters = wanted(stream, tenants)
  const durable = durableName(consumer, stream)
  const parts = SubjectPattern.minimal(
    jetStream.subjects.flatMap((subject) =>
      filters.flatMap((filter) => SubjectPattern.intersect(filter, subject) ?? [])
    )
  )
  if (parts.length === 0) return []
  const isAll = jetStream.subjects.every((subject) => filters.some((filter) => SubjectPattern.covers(filter, subject)))
  if (isAll) return [{ jetStream: jetStream.name, durable, filters: [] }]
  if (parts.length === 1 || (canFilterMany && !hasOverlap(parts))) {
    return [{ jetStream: jetStream.name, durable, filters: parts }]
  }
  return parts.map((part) => ({
    jetStream: jetStream.name,
    durable: `${durable}-${escapeName(part)}`,
    filters: [part]
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
