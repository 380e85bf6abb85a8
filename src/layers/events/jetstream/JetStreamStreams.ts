/**
 * The JetStream streams that hold the subjects of a logical stream: named, found by subject, or made on request.
 *
 * A stream is made only for subjects that no stream has yet, so nothing that is there is taken over.
 */
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { Duration, Effect, Option } from "effect"
import * as ConsumerPlan from "../../../domain/events/stream/ConsumerPlan.ts"
import type { StreamName } from "../../../domain/events/stream/Streams.ts"
import * as SubjectPattern from "../../../domain/events/stream/SubjectPattern.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import { subjectRoot } from "../dead-letters/DeadLetterMessage.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"
import * as JetStreamShares from "./JetStreamShares.ts"

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
  /** See `ConsumerPlan.wanted`. */
  readonly listed?: ReadonlyArray<string> | undefined
  /** Names of JetStream streams; empty: whichever have the subjects. */
  readonly jetStreams: ReadonlyArray<string>
  /** Whether a named stream is made with the listed subjects when it is missing. */
  readonly createListed?: boolean | undefined
  /** Undefined: none is made. */
  readonly create: StreamLimits | undefined
}

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
      // So may one that takes from others, or changes subjects on their way in.
      const isOpen = subjects.length === 0 || (config.sources ?? []).length > 0 ||
        config.subject_transform !== undefined
      return { name, subjects: isOpen ? [">"] : subjects }
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
      ConsumerPlan.wanted(stream, options.tenants, options.listed),
      (subject) => namesBySubject(client, subject),
      { concurrency: 8 }
    )).flat()
  const found = yield* Effect.forEach([...new Set(names)], (name) => describe(client, name), { concurrency: 8 })
  return found.flatMap(Option.toArray).filter(isForEvents)
})

const add = (client: NatsClient, name: string, subjects: ReadonlyArray<string>, { ageMax, bytesMax }: StreamLimits) =>
  JetStreamShares.make(
    client,
    bytesMax,
    (bytes) =>
      JetStreamRequest.attempt(`Stream ${name}`, () =>
        client.jsm.streams.add({
          name,
          subjects: [...subjects],
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          // A publisher that is refused knows of it; a message that makes room for another is gone without a word.
          discard: DiscardPolicy.New,
          max_bytes: bytes === 0 ? -1 : bytes,
          max_age: Duration.toMillis(ageMax) * 1e6
        })).pipe(
          Effect.andThen(Effect.logInfo(`Made JetStream stream ${name} for ${subjects.join(", ")}`))
        )
  )

/** Another writer has just made it. */
const isMade = (error: JetStreamRequest.JetStreamRefusal): boolean =>
  error.code === JetStreamFailure.errorCodes.streamNameInUse ||
  error.code === JetStreamFailure.errorCodes.subjectsOverlap

/** As the Go writer makes it: with the listed subjects, and without limits. */
const addListed = (client: NatsClient, name: string, subjects: ReadonlyArray<string>) =>
  JetStreamRequest.attempt(`Stream ${name}`, () => client.jsm.streams.add({ name, subjects: [...subjects] })).pipe(
    Effect.andThen(Effect.logInfo(`Made JetStream stream ${name} for the listed subjects, as there was none`)),
    Effect.catchIf(isMade, () => Effect.void)
  )

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
  const [named] = options.jetStreams
  const { listed = [] } = options
  if (found.length === 0 && options.createListed === true && named !== undefined && listed.length > 0) {
    // A stream of this name may be there and be none for events: then that is said.
    yield* addListed(client, named, SubjectPattern.minimal(listed))
    return yield* discover(client, stream, options)
  }
  const limits = options.create
  if (limits === undefined || options.jetStreams.length > 0) return found
  const isChanged = yield* create(client, stream, found, { ...options, create: limits })
  return isChanged ? yield* discover(client, stream, options) : found
})
