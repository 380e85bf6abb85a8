/**
 * The JetStream streams that hold the subjects of a logical stream: named, found by subject, or made on request.
 *
 * A stream is made only for subjects that no stream has yet, so nothing that is there is taken over.
 */
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { Duration, Effect, Option } from "effect"
import * as ConsumerPlan from "../../../domain/events/stream/ConsumerPlan.ts"
import type { StreamName } from "../../../domain/events/stream/Subject.ts"
import * as SubjectPattern from "../../../domain/events/stream/SubjectPattern.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import { subjectRoot } from "../dead-letters/DeadLetterMessage.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"

export interface StreamLimits {
  /** What a stream may take of the disk; then the oldest messages go. Without a limit when 0. */
  readonly bytesMax: number
  /** How long messages are kept; without end when zero. */
  readonly ageMax: Duration.Duration
}

export interface StreamsOptions {
  /** The logical streams that are written. */
  readonly streams: ReadonlyArray<StreamName>
  readonly tenants: ReadonlyArray<string>
  /** Names of JetStream streams; empty: whichever have the subjects. */
  readonly jetStreams: ReadonlyArray<string>
  /** Undefined: none is made. */
  readonly create: StreamLimits | undefined
}

/** A stream smaller than this would be of no use. */
const bytesMin = 64 * 2 ** 20

export interface FoundStream {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
}

const namesBySubject = (client: NatsClient, subject: string) =>
  JetStreamRequest.attempt(`Streams with ${subject}`, async () => {
    const names: Array<string> = []
    for await (const name of client.jsm.streams.names(subject)) names.push(name)
    return names
  })

const describe = (client: NatsClient, name: string) =>
  JetStreamRequest.attempt(`Stream ${name}`, () => client.jsm.streams.info(name)).pipe(
    Effect.map(({ config }): FoundStream => {
      // A mirror has no subjects of its own but may hold any.
      const subjects = config.subjects ?? []
      return { name, subjects: subjects.length === 0 ? [">"] : subjects }
    }),
    Effect.asSome,
    Effect.catchIf(
      (error) => error.code === JetStreamFailure.errorCodes.streamMissing,
      () => Effect.succeedNone
    )
  )

/** A tenant that may have any name is neither the server's own subjects nor the dead letters. */
const isForEvents = ({ subjects }: FoundStream): boolean =>
  subjects.some((subject) => !subject.startsWith("$") && !subject.startsWith(`${subjectRoot}.`))

const discover = Effect.fnUntraced(function*(client: NatsClient, stream: StreamName, options: StreamsOptions) {
  const names = options.jetStreams.length > 0
    ? options.jetStreams
    : (yield* Effect.forEach(
      ConsumerPlan.wanted(stream, options.tenants),
      (subject) => namesBySubject(client, subject),
      { concurrency: 8 }
    )).flat()
  const found = yield* Effect.forEach([...new Set(names)], (name) => describe(client, name), { concurrency: 8 })
  return found.flatMap(Option.toArray).filter(isForEvents)
})

const isTooMuch = (error: JetStreamRequest.JetStreamRefusal): boolean =>
  error.code === JetStreamFailure.errorCodes.storageExceeded

/** The server sets aside what a stream may take: where that is more than there is, less has to do. */
const add = (
  client: NatsClient,
  name: string,
  subjects: ReadonlyArray<string>,
  { ageMax, bytesMax }: StreamLimits
): Effect.Effect<void, JetStreamRequest.JetStreamRefusal> =>
  JetStreamRequest.attempt(`Stream ${name}`, () =>
    client.jsm.streams.add({
      name,
      subjects: [...subjects],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      // A publisher that is refused knows of it; a message that makes room for another is gone without a word.
      discard: DiscardPolicy.New,
      max_bytes: bytesMax === 0 ? -1 : bytesMax,
      max_age: Duration.toMillis(ageMax) * 1e6
    })).pipe(
      Effect.andThen(Effect.logInfo(`Made JetStream stream ${name} for ${subjects.join(", ")}`)),
      Effect.catchIf(
        (error) => isTooMuch(error) && bytesMax > bytesMin,
        () => add(client, name, subjects, { ageMax, bytesMax: Math.floor(bytesMax / 4) })
      )
    )

/** Another writer has just made it. */
const isMade = (error: JetStreamRequest.JetStreamRefusal): boolean =>
  error.code === JetStreamFailure.errorCodes.streamNameInUse ||
  error.code === JetStreamFailure.errorCodes.subjectsOverlap

const create = Effect.fnUntraced(function*(
  client: NatsClient,
  stream: StreamName,
  found: ReadonlyArray<FoundStream>,
  options: StreamsOptions & { readonly create: StreamLimits }
) {
  const taken = found.flatMap(({ subjects }) => subjects)
  const missing = ConsumerPlan.streamSubjects(stream, options.streams, options.tenants).filter((subject) =>
    !taken.some((other) => SubjectPattern.overlaps(other, subject))
  )
  if (missing.length === 0) return false
  const own = found.find(({ name }) => name === stream)
  yield* (own === undefined
    ? add(client, stream, missing, options.create)
    : JetStreamRequest.attempt(
      `Stream ${stream}`,
      () => client.jsm.streams.update(stream, { subjects: [...own.subjects, ...missing] })
    )).pipe(Effect.catchIf(isMade, () => Effect.void))
  return true
})

/** Empty when there is none. */
export const find = Effect.fn("JetStreamStreams.find")(function*(
  client: NatsClient,
  stream: StreamName,
  options: StreamsOptions
) {
  const found = yield* discover(client, stream, options)
  const limits = options.create
  if (limits === undefined || options.jetStreams.length > 0) return found
  const isChanged = yield* create(client, stream, found, { ...options, create: limits })
  return isChanged ? yield* discover(client, stream, options) : found
})
