/**
 * What every producer of a pipeline promises, whatever it takes from. A source is told what to bring; each promise runs
 * pipelines on a source of its own, in real time.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import type { Outcomes } from "../../../domain/pipeline/Outcome.ts"
import * as Pipeline from "../Pipeline.ts"
import type * as Producer from "../Producer.ts"

export interface Source<In, E> {
  readonly producer: Producer.Producer<In, E, never>
  /** Puts a message into the source. */
  readonly send: (text: string) => Effect.Effect<unknown>
  readonly textOf: (message: In) => string
  /** Tells the source, as its users do. */
  readonly acknowledge: (outcomes: Outcomes<In, string>) => Effect.Effect<unknown>
  /** Whether a rejected message comes again, as from a broker. */
  readonly isRedelivering: boolean
}

/** A promise that the producer does not keep. */
export class ContractBroken extends Data.TaggedError("ContractBroken")<{
  readonly promise: string
  readonly detail: string
}> {
  override get message(): string {
    return `${this.promise}: ${this.detail}`
  }
}

type Judge = <In, E>(source: Source<In, E>) => Effect.Effect<string | undefined, unknown, Scope.Scope>

const limit = Duration.seconds(20)

const textsOf = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `message ${index}`)

/** Until it is true; `false` when that takes too long. */
const waitFor = (isTrue: () => boolean): Effect.Effect<boolean> =>
  Effect.sleep("5 millis").pipe(
    Effect.repeat({ until: isTrue }),
    Effect.as(true),
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(false) })
  )

/** A pipeline that handles one message at a time. */
const startOn = <In, E>(source: Source<In, E>, handle: (text: string) => Effect.Effect<void, string>, producers = 1) =>
  Pipeline.start({
    name: "contract",
    producers,
    inFlightMax: 7,
    processors: { concurrency: 1, demandMax: 3 },
    producer: source.producer,
    handle: (message) => Effect.suspend(() => handle(source.textOf(message))),
    acknowledge: source.acknowledge
  })

const missing = (texts: ReadonlyArray<string>, seen: ReadonlySet<string>): string =>
  `${texts.filter((text) => !seen.has(text)).join(", ")} did not come`

const inOrder: Judge = Effect.fnUntraced(function*(source) {
  const seen: Array<string> = []
  const pipeline = yield* startOn(source, (text) => Effect.sync(() => void seen.push(text)))
  const texts = textsOf(50)
  yield* Effect.forEach(texts, source.send)
  if (!(yield* waitFor(() => seen.length >= texts.length))) return missing(texts, new Set(seen))
  yield* pipeline.drain
  if (seen.join() !== texts.join()) return `they came as ${seen.join(", ")}`
  const { ok, received } = yield* pipeline.status
  return ok === received ? undefined : `${received} received, ${ok} ok`
})

const heedsDemand: Judge = Effect.fnUntraced(function*(source) {
  const texts = textsOf(10)
  yield* Effect.forEach(texts, source.send)
  const pull = yield* source.producer.connect
  let come = 0
  while (come < texts.length) {
    const messages = yield* Effect.timeout(pull(3), limit)
    if (messages.length > 3) return `${messages.length} came when 3 were asked for`
    come += messages.length
    yield* source.acknowledge({ ok: messages, okOptions: [], rejected: [] })
    if (messages.length === 0) yield* Effect.sleep("5 millis")
  }
  return undefined
})

/** Pipelines that live shortly: their ends interrupt pulls that wait, and such that have just been answered. */
const survivesInterruption: Judge = Effect.fnUntraced(function*(source) {
  const seen = new Set<string>()
  const handle = (text: string) => Effect.sync(() => void seen.add(text))
  const texts = textsOf(20)
  for (let from = 0; from < texts.length; from += 5) {
    const sent = texts.slice(from, from + 5)
    yield* Effect.scoped(Effect.gen(function*() {
      yield* startOn(source, handle)
      yield* Effect.sleep("20 millis")
      yield* Effect.forEach(sent, source.send)
      // What does not come again must have come before the next interruption.
      if (source.isRedelivering) yield* Effect.sleep("5 millis")
      else yield* waitFor(() => sent.every((text) => seen.has(text)))
    }))
  }
  yield* startOn(source, handle)
  return (yield* waitFor(() => seen.size === texts.length)) ? undefined : missing(texts, seen)
})

const drainsWhileWaiting: Judge = Effect.fnUntraced(function*(source) {
  const pipeline = yield* startOn(source, () => Effect.void)
  yield* Effect.sleep("50 millis")
  return yield* Effect.timeoutOrElse(Effect.as(pipeline.drain, undefined), {
    duration: "3 seconds",
    orElse: () => Effect.succeed("a drain took more than 3 s")
  })
})

const sharesConnections: Judge = Effect.fnUntraced(function*(source) {
  const seen: Array<string> = []
  yield* startOn(source, (text) => Effect.sync(() => void seen.push(text)), 2)
  const texts = textsOf(40)
  yield* Effect.forEach(texts, source.send)
  if (!(yield* waitFor(() => seen.length >= texts.length))) return missing(texts, new Set(seen))
  const twice = seen.filter((text, index) => seen.indexOf(text) !== index)
  return twice.length === 0 ? undefined : `${twice.join(", ")} came twice`
})

const redelivers: Judge = Effect.fnUntraced(function*(source) {
  if (!source.isRedelivering) return undefined
  const deliveries: Array<string> = []
  yield* startOn(source, (text) =>
    Effect.suspend(() => {
      deliveries.push(text)
      return deliveries.length === 1 ? Effect.fail("not yet") : Effect.void
    }))
  yield* source.send("again")
  return (yield* waitFor(() => deliveries.length >= 2)) ? undefined : "a rejected message did not come again"
})

const promises: ReadonlyArray<readonly [name: string, judge: Judge]> = [
  ["brings every message, in order", inOrder],
  ["never brings more than it is asked for", heedsDemand],
  ["may be interrupted while it waits, again and again, and loses nothing", survivesInterruption],
  ["ends a drain at once while it waits for messages", drainsWhileWaiting],
  ["brings a message to one of two connections", sharesConnections],
  ["brings a rejected message again, if its source redelivers", redelivers]
]

/** One promise, for a test of its own. */
export interface Case {
  readonly name: string
  readonly check: Effect.Effect<void, ContractBroken>
}

/** The promises of the producer that `make` makes anew for each. They need real time: Effect's live clock. */
export const cases = <In, E>(make: Effect.Effect<Source<In, E>, never, Scope.Scope>): ReadonlyArray<Case> =>
  promises.map(([name, judge]) => ({
    name,
    check: Effect.flatMap(make, judge).pipe(
      Effect.catch((failure) => Effect.succeed(failure instanceof Error ? failure.message : String(failure))),
      Effect.scoped,
      Effect.provide(Logger.layer([])),
      Effect.flatMap((detail) =>
        detail === undefined ? Effect.void : Effect.fail(new ContractBroken({ promise: name, detail }))
      )
    )
  }))

/** All of them, one after the other; fails with the first that does not hold. */
export const check = <In, E>(
  make: Effect.Effect<Source<In, E>, never, Scope.Scope>
): Effect.Effect<void, ContractBroken> => Effect.forEach(cases(make), (one) => one.check, { discard: true })
