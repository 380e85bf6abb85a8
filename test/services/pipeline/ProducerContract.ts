/**
 * What every producer of a pipeline promises, whatever it takes from. A source is told what to bring, and counts what
 * became of it; the suite runs pipelines on it.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Logger, type Scope } from "effect"
import { type Outcomes, Pipeline, type Producer } from "../../../src/services/pipeline/index.ts"

export interface Source<In, E> {
  readonly producer: Producer.Producer<In, E, never>
  /** Puts a message into the source. */
  readonly send: (text: string) => Effect.Effect<void>
  readonly textOf: (message: In) => string
  /** Tells the source, as its users do. */
  readonly acknowledge: (outcomes: Outcomes<In, never>) => Effect.Effect<unknown>
  /** Whether a rejected message comes again. */
  readonly isRedelivering: boolean
}

const waitFor = (isTrue: () => boolean) =>
  Effect.timeout(Effect.repeat(Effect.sleep("5 millis"), { until: isTrue }), "20 seconds")

export const passesContract = <In, E>(make: Effect.Effect<Source<In, E>, never, Scope.Scope>): void => {
  it.live("brings every message, in order, and never more than it is asked for", () =>
    Effect.gen(function*() {
      const source = yield* make
      const seen: Array<string> = []
      const over: Array<number> = []
      const pipeline = yield* Pipeline.start({
        name: "contract",
        inFlightMax: 7,
        processors: { concurrency: 1, demandMax: 3 },
        producer: {
          connect: Effect.map(source.producer.connect, (pull) => (demand: number) =>
            Effect.tap(pull(demand), (messages) =>
              Effect.sync(() => {
                if (messages.length > demand) {
                  over.push(messages.length)
                }
              })))
        },
        handle: (message) =>
          Effect.sync(() =>
            void seen.push(source.textOf(message))
          ),
        acknowledge: source.acknowledge
      })
      const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`)

      yield* Effect.forEach(texts, source.send)
      yield* waitFor(() => seen.length >= 50)
      yield* pipeline.drain

      assert.deepStrictEqual([seen, over], [texts, []])
      const { ok, received } = yield* pipeline.status
      assert.deepStrictEqual([received, ok], [50, 50])
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))

  it.live("may be interrupted while it waits, again and again, and loses nothing", () =>
    Effect.gen(function*() {
      const source = yield* make
      const seen = new Set<string>()
      const life = (texts: ReadonlyArray<string>) =>
        Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.start({
            name: "contract",
            producer: source.producer,
            handle: (message) => Effect.sync(() => void seen.add(source.textOf(message))),
            acknowledge: source.acknowledge
          })
          yield* Effect.sleep("20 millis")
          yield* Effect.forEach(texts, source.send)
          if (source.isRedelivering) yield* Effect.sleep("5 millis")
          else yield* waitFor(() => texts.every((text) => seen.has(text)))
        }))
      const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
      for (let from = 0; from < texts.length; from += 5) yield* life(texts.slice(from, from + 5))

      yield* Effect.scoped(Effect.gen(function*() {
        yield* Pipeline.start({
          name: "contract",
          producer: source.producer,
          handle: (message) => Effect.sync(() => void seen.add(source.textOf(message))),
          acknowledge: source.acknowledge
        })
        yield* waitFor(() => seen.size === 20)
      }))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))

  it.live("ends its pipeline's drain at once while it waits for messages", () =>
    Effect.gen(function*() {
      const source = yield* make
      const pipeline = yield* Pipeline.start({
        name: "contract",
        producer: source.producer,
        handle: () => Effect.void,
        acknowledge: source.acknowledge
      })
      yield* Effect.sleep("50 millis")

      yield* Effect.timeout(pipeline.drain, "5 seconds")
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))
}
