/**
 * A pure function of a text that remembers its answers for the first texts it is asked about: nearly all messages have
 * one of a few subjects and streams.
 *
 * Bounded in number and length, because the texts come from outside. That there is no answer is not remembered.
 */
const textsMax = 1_000
const lengthMax = 256

export const make = <A>(compute: (text: string) => A): (text: string) => A => {
  const answers = new Map<string, A>()
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known
    const answer = compute(text)
    if (answer !== undefined && text.length <= lengthMax && answers.size < textsMax) answers.set(text, answer)
    return answer
  }
}
