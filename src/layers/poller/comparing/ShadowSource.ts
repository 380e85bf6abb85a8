/** What a shadow wrote: its file, with the one before it. */
import { Effect, FileSystem, Option, Stream } from "effect"
import * as path from "node:path"
import type { Sample, TimeRange } from "../../../domain/poller/comparing/Sample.ts"
import * as ShadowRecord from "../../../domain/poller/rollout/ShadowRecord.ts"
import { type SampleSource, SampleSourceError } from "../../../services/poller/comparing/SampleSource.ts"
import { systemText } from "../../process/SystemText.ts"
import * as ShadowFile from "../rollout/ShadowFile.ts"

/** `named` is the file, or the folder it is in. */
export const make = Effect.fnUntraced(function*(named: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const failed = (file: string) => (error: { readonly message: string }) =>
    new SampleSourceError({ source: file, detail: systemText(error) })
  const info = yield* Effect.mapError(fileSystem.stat(named), failed(named))
  const file = info.type === "Directory" ? ShadowFile.nameOf(path.resolve(named)) : path.resolve(named)
  if (info.type !== "Directory" && info.type !== "File") {
    return yield* new SampleSourceError({ source: named, detail: `it is no file but a ${info.type}` })
  }

  const read = (one: string): Stream.Stream<Sample, SampleSourceError> =>
    fileSystem.stream(one).pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.mapError(failed(one)),
      Stream.map(ShadowRecord.decode),
      Stream.filter(Option.isSome),
      Stream.map(({ value }) => value)
    )

  const samples = Stream.unwrap(
    Effect.forEach(ShadowFile.namesOf(file), (one) =>
      Effect.map(
        Effect.orElseSucceed(fileSystem.exists(one), () => false),
        (isThere) => isThere ? [one] : []
      )).pipe(
        Effect.map((names) => {
          const there = names.flat()
          // Without any, reading says so.
          return Stream.flatMap(Stream.fromIterable(there.length === 0 ? [file] : there), read)
        })
      )
  )

  const source: SampleSource = {
    name: named,
    range: Stream.runFold(
      samples,
      () => Option.none<TimeRange>(),
      (range, { atMillis }) =>
        Option.some(
          Option.match(range, {
            onNone: () => ({ firstMillis: atMillis, lastMillis: atMillis }),
            onSome: ({ firstMillis, lastMillis }) => ({
              firstMillis: Math.min(firstMillis, atMillis),
              lastMillis: Math.max(lastMillis, atMillis)
            })
          })
        )
    ),
    samples: ({ firstMillis, lastMillis }) =>
      Stream.filter(samples, ({ atMillis }) => atMillis >= firstMillis && atMillis <= lastMillis)
  }
  return source
})
