/**
 * Looks for an operator's regular expression in a body while it arrives.
 *
 * A match is known as soon as it is there, also in a body that never ends, unless the expression asks what comes after it
 * (`$`, word boundaries, negative lookaheads): then the end is waited for. The text is kept in a window that moves along
 * it; an expression that begins at the start (`^`) sees the first window only. Every part of the text is looked at a few
 * times at most, so the work grows with the body and not with its square.
 */
import { Effect, Option, Ref, Stream } from "effect"
import type { BodyPattern } from "./BodyPattern.ts"

/** In characters. */
const windowMax = 256 * 1_024
/** Of one window that the next begins with. */
const overlap = 64 * 1_024
/** Whatever comes after it is not looked at. */
const textMax = 16 * 1_024 * 1_024
/** So little at a time comes slowly, and each may be what is waited for. */
const slowPart = 16 * 1_024

interface Traits {
  readonly isFromStart: boolean
  readonly asksForEnd: boolean
}

/** Read off the text, so rather too careful: an anchor in one of several alternatives counts for all. */
export const traitsOf = (pattern: string): Traits => {
  const plain = pattern.replace(/\\[^bB]/g, "").replace(/\[[^\]]*\]/g, "")
  return { isFromStart: plain.includes("^"), asksForEnd: /\$|\\[bB]|\(\?!|\(\?<!/.test(plain) }
}

interface Window {
  readonly text: string
  /** Length of the text when it was last looked at. */
  readonly looked: number
  readonly passed: number
}

const isDue = ({ looked, text }: Window, added: number): boolean =>
  added <= slowPart || text.length >= looked * 1.25 || text.length >= windowMax

/** Fails with the reason when the expression takes too long, or the body cannot be read. */
export const scan = <E>(
  patterns: BodyPattern,
  pattern: string,
  body: Stream.Stream<string, E>
): Effect.Effect<boolean, E | string> =>
  Effect.gen(function*() {
    const { asksForEnd, isFromStart } = traitsOf(pattern)
    const window = yield* Ref.make<Window>({ text: "", looked: 0, passed: 0 })
    /** Some with the verdict. */
    const take = Effect.fnUntraced(function*(part: string) {
      const before = yield* Ref.get(window)
      const text = before.text + part
      const now = { ...before, text }
      const isFull = text.length >= windowMax
      if (isFull && isFromStart) return Option.some(yield* patterns.matches(pattern, text.slice(0, windowMax)))
      if (before.passed + text.length >= textMax) return Option.some(yield* patterns.matches(pattern, text))
      const looks = !asksForEnd && isDue(now, part.length)
      if (looks && (yield* patterns.matches(pattern, text))) return Option.some(true)
      const cut = isFull ? text.length - overlap : 0
      const kept = text.slice(cut)
      yield* Ref.set(window, {
        text: kept,
        looked: looks ? kept.length : before.looked,
        passed: before.passed + cut
      })
      return Option.none<boolean>()
    })
    const verdict = yield* body.pipe(
      Stream.mapEffect(take),
      Stream.filter(Option.isSome),
      Stream.runHead
    )
    if (Option.isSome(verdict)) return verdict.value.value
    const { text } = yield* Ref.get(window)
    return yield* patterns.matches(pattern, text)
  })
