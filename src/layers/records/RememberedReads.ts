/**
 * Reads that a program makes in its own name again and again, as of whose token a request shows, are answered from memory for
 * a second: for as long as nobody here changes a record of that resource, and no longer than another process may not notice.
 *
 * What was read while something changed is not kept.
 */
import { Clock, Effect, Layer } from "effect"
import { superSystem } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import { type Asker, type Finding, type Listing, type Page, Records } from "../../services/records/Records.ts"

const ageMaxMillis = 1000
const answersMax = 10_000

class Answers<A> {
  readonly #answers = new Map<string, { readonly value: A; readonly atMillis: number }>()
  #generation = 0

  get generation(): number {
    return this.#generation
  }

  forget(): void {
    this.#generation += 1
    this.#answers.clear()
  }

  of(key: string, nowMillis: number): A | undefined {
    const known = this.#answers.get(key)
    return known !== undefined && nowMillis - known.atMillis < ageMaxMillis ? known.value : undefined
  }

  keep(key: string, value: A, { atMillis, generation }: { readonly atMillis: number; readonly generation: number }) {
    if (generation !== this.#generation) return
    if (this.#answers.size >= answersMax) this.#answers.clear()
    this.#answers.set(key, { value, atMillis })
  }
}

/** A program's own, whoever it asks for. */
const isOwn = ({ id }: Asker): boolean => id === superSystem.id

const wrap = (records: Records["Service"], resources: ReadonlySet<string>): Records["Service"] => {
  const found = new Answers<Stored>()
  const listed = new Answers<Page>()
  const isRemembered = ({ asker, definition: { name } }: Finding | Listing) => resources.has(name) && isOwn(asker)
  const forget = Effect.sync(() => {
    found.forget()
    listed.forget()
  })

  const remembered = <A, E>(answers: Answers<A>, key: string, read: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Clock.currentTimeMillis, (atMillis) => {
      const known = answers.of(key, atMillis)
      if (known !== undefined) return Effect.succeed(known)
      const { generation } = answers
      return Effect.tap(read, (value) => Effect.sync(() => answers.keep(key, value, { atMillis, generation })))
    })

  /** Whatever is part of the question, and who asks. */
  const keyOf = ({ asker, definition, ...question }: Finding | Listing): string =>
    JSON.stringify([definition.name, asker.actor, question])

  return {
    ...records,
    // Before as well: what is read meanwhile may be of the time before.
    write: (writing) =>
      resources.has(writing.definition.name)
        ? Effect.ensuring(Effect.andThen(forget, records.write(writing)), forget)
        : records.write(writing),
    find: (finding) =>
      isRemembered(finding) ? remembered(found, keyOf(finding), records.find(finding)) : records.find(finding),
    list: (listing) =>
      isRemembered(listing) ? remembered(listed, keyOf(listing), records.list(listing)) : records.list(listing)
  }
}

/** Of the resources that are named, by their name. */
export const layer = (resources: ReadonlyArray<string>): Layer.Layer<Records, never, Records> =>
  Layer.effect(Records, Effect.map(Records, (records) => wrap(records, new Set(resources))))
