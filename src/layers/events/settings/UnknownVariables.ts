/**
 * Variables of the environment that look as if they were meant for a program and that it does not know.
 *
 * They are told and nothing more: a container may carry variables for another version of the program.
 */
import { ConfigProvider, Effect, Option } from "effect"
import * as Suggestion from "../../../domain/config/Suggestion.ts"

type Path = ReadonlyArray<string>

/** Names of the variables with these words in front, which stand as a tree in the provider. */
const namesBelow = (
  provider: ConfigProvider.ConfigProvider,
  path: Path
): Effect.Effect<ReadonlyArray<string>, ConfigProvider.SourceError> =>
  Effect.flatMap(provider.load([...path]), (node) => {
    if (node === undefined) return Effect.succeed([])
    const here = node.value === undefined ? [] : [path.join("_")]
    const words = node._tag === "Record" ? [...node.keys] : []
    return Effect.map(
      Effect.forEach(words, (word) => namesBelow(provider, [...path, word])),
      (below) => [...here, ...below.flat()]
    )
  })

const warning = (name: string, known: ReadonlyArray<string>): string =>
  Option.match(Suggestion.nearest(name, known), {
    onNone: () => `${name} is set, and no variable has that name: it is ignored`,
    onSome: (meant) => `${name} is set, and no variable has that name: it is ignored. Did you mean ${meant}?`
  })

/** A warning for each variable that begins with one of the prefixes (`EVENT_WRITER`) and is none of the known ones. */
export const warnings = Effect.fnUntraced(function*(
  prefixes: ReadonlyArray<string>,
  known: ReadonlyArray<string>
) {
  const provider = yield* ConfigProvider.ConfigProvider
  const names = yield* Effect.forEach(prefixes, (prefix) => namesBelow(provider, prefix.split("_")))
  return names.flat().filter((name) => !known.includes(name)).map((name) => warning(name, known))
})
