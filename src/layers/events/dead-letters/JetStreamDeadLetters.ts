/**
 * Dead letters in a JetStream stream of their own, one subject each, so that the same message is kept once.
 *
 * Nothing in there is ever dropped to make room: a stream that is full refuses new letters, and their messages come
 * again until a person has looked.
 */
import { headers as makeHeaders } from "@nats-io/transport-node"
import { Clock, Effect, Layer, Option, Stream } from "effect"
import type { DeadLetter, DeadLetterSummary } from "../../../domain/events/stream/DeadLetter.ts"
import type { EventMessage } from "../../../domain/events/stream/EventMessage.ts"
import { streamNames } from "../../../domain/events/stream/Streams.ts"
import { DeadLetterError, type DeadLetterFilter, DeadLetters } from "../../../services/events/DeadLetters.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import { NatsConnection } from "../../nats/connection/NatsConnection.ts"
import { JetStreamMessage } from "../jetstream/JetStreamMessage.ts"
import * as JetStreamRequest from "../jetstream/JetStreamRequest.ts"
import * as DeadLetterMessage from "./DeadLetterMessage.ts"
import * as DeadLetterReader from "./DeadLetterReader.ts"
import * as DeadLetterStream from "./DeadLetterStream.ts"

const payloadMaxDefault = 2 ** 20
const replayTimeoutMillis = 5_000

const headerValues = (message: EventMessage): DeadLetter["headers"] =>
  message instanceof JetStreamMessage ? message.headerValues : [...message.headers]

/** Says what to do with a message, not what it is: the server would take it as said now. */
const isInstruction = (name: string): boolean => /^nats-/i.test(name)

const isWanted = (filter: DeadLetterFilter) => (letter: DeadLetterSummary): boolean =>
  (filter.reason === undefined || letter.failure.reason === filter.reason) &&
  (filter.sinceMillis === undefined || letter.deadLetteredAtMillis >= filter.sinceMillis) &&
  (filter.error === undefined || letter.failure.error.includes(filter.error))

const make = Effect.fnUntraced(function*(options: DeadLetterStream.DeadLetterStreamOptions) {
  const connection = yield* NatsConnection
  const letters = DeadLetterStream.make(options)

  const failed = (operation: string) => (error: { readonly message: string }) =>
    new DeadLetterError({ operation, detail: error.message, isMissing: false })

  const missing = (operation: string, id: string) =>
    new DeadLetterError({ operation, detail: `there is none with id ${id}`, isMissing: true })

  const subjectOf = (operation: string, id: string) =>
    Effect.fromOption(DeadLetterMessage.subjectOf(id)).pipe(Effect.mapError(() => missing(operation, id)))

  const clientFor = (operation: string) => Effect.mapError(connection.client, failed(operation))

  const read = Effect.fnUntraced(function*(client: NatsClient, operation: string, id: string) {
    const subject = yield* subjectOf(operation, id)
    const stored = yield* letters.read(client, subject).pipe(Effect.mapError(failed(operation)))
    const found = Option.flatMap(stored, ({ data, header }) => {
      const headers = [...header].flatMap(([name, values]) => values.map((value) => [name, value] as const))
      return Option.map(DeadLetterMessage.summaryOf(headers), (letter) => ({ letter, message: { data, headers } }))
    })
    if (Option.isNone(found)) return yield* missing(operation, id)
    const { letter, message } = found.value
    const parts = yield* Effect.forEach(
      Array.from({ length: letter.parts }, (_, at) => DeadLetterMessage.partSubject(subject, at)),
      (part) => letters.read(client, part)
    ).pipe(Effect.mapError(failed(operation)))
    const original = DeadLetterMessage.originalOf(
      letter,
      message,
      parts.flatMap((part) => Option.isSome(part) ? [part.value.data] : [])
    )
    if (Option.isSome(original)) return { ...letter, ...original.value }
    return yield* new DeadLetterError({ operation, detail: `a part of ${id} is missing`, isMissing: false })
  })

  /** The letter first: without it, its parts are nobody's. */
  const remove = Effect.fnUntraced(function*(client: NatsClient, operation: string, id: string) {
    const subject = yield* subjectOf(operation, id)
    const removed = yield* letters.purge(client, subject).pipe(Effect.mapError(failed(operation)))
    yield* letters.purge(client, `${subject}.*`).pipe(Effect.mapError(failed(operation)))
    return removed > 0
  })

  const republish = (client: NatsClient, letter: DeadLetter) =>
    JetStreamRequest.attempt(`Subject ${letter.subject}`, () => {
      const headers = makeHeaders()
      for (const [name, value] of letter.headers) if (!isInstruction(name)) headers.append(name, value)
      return client.js.publish(letter.subject, letter.data, {
        headers,
        // Asked again within the stream's window of duplicates, it is stored once.
        msgID: `dlq.${letter.id}`,
        timeout: replayTimeoutMillis
      })
    }).pipe(Effect.mapError(failed("replay")))

  return DeadLetters.of({
    add: Effect.fn("DeadLetters.add")(function*({ deliveries, failure, message, part, stream }) {
      const client = yield* clientFor("add")
      const data = part?.data ?? message.data
      const encoded = DeadLetterMessage.encode({
        stream,
        subject: message.subject,
        jetStream: message.stream,
        sequence: message.sequence,
        storedAtMicros: message.storedAtMicros,
        ...(part === undefined ? {} : { element: part.element }),
        deliveries,
        failure,
        deadLetteredAtMillis: yield* Clock.currentTimeMillis,
        bytes: data.length,
        data,
        headers: headerValues(message)
      }, client.nc.info?.max_payload ?? payloadMaxDefault)
      yield* letters.ensure(client).pipe(Effect.mapError(failed("add")))
      yield* Effect.forEach([...encoded.parts, encoded.letter], (part) => letters.put(client, part), { discard: true })
        .pipe(Effect.mapError(failed("add")))
    }),

    list: (filter) =>
      Stream.unwrap(Effect.gen(function*() {
        const client = yield* clientFor("list")
        const state = yield* letters.state(client).pipe(Effect.mapError(failed("list")))
        if (Option.isNone(state) || state.value.messages === 0) return Stream.empty
        return DeadLetterReader.list(client, letters.name, DeadLetterMessage.filter(filter.stream)).pipe(
          Stream.mapError(failed("list"))
        )
      })).pipe(Stream.filter(isWanted(filter))),

    get: Effect.fn("DeadLetters.get")(function*(id) {
      return yield* read(yield* clientFor("get"), "get", id)
    }),

    replay: Effect.fn("DeadLetters.replay")(function*(id) {
      const client = yield* clientFor("replay")
      yield* republish(client, yield* read(client, "replay", id))
      yield* remove(client, "replay", id)
    }),

    drop: Effect.fn("DeadLetters.drop")(function*(id) {
      const isRemoved = yield* remove(yield* clientFor("drop"), "drop", id)
      if (!isRemoved) return yield* missing("drop", id)
    }),

    counts: Effect.gen(function*() {
      const client = yield* clientFor("counts")
      const state = yield* letters.state(client).pipe(Effect.mapError(failed("counts")))
      if (Option.isNone(state) || state.value.messages === 0) return new Map<string, number>()
      const counts = yield* Effect.forEach([...streamNames, "" as const], (stream) =>
        Effect.map(
          DeadLetterReader.count(client, letters.name, DeadLetterMessage.filter(stream)),
          (count) => [stream, count] as const
        ), { concurrency: 4 }).pipe(Effect.mapError(failed("counts")))
      return new Map(counts.filter(([, count]) => count > 0))
    }).pipe(Effect.withSpan("DeadLetters.counts"))
  })
})

export const layer = (options: DeadLetterStream.DeadLetterStreamOptions = {}) =>
  Layer.effect(DeadLetters, make(options))
