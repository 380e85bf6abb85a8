/** Which running program a command asks: the one that is named, else the `up` of this directory, else core at its usual address. */
import { Effect, Option } from "effect"
import * as Flag from "effect/cli/Flag"
import * as RunState from "../../layers/process/RunState.ts"

export const defaultUrl = "http://127.0.0.1:8090"

export const dir = Flag.String("dir").pipe(
  Flag.withDefault(RunState.directoryDefault),
  Flag.withDescription("Where the running up keeps its data")
)

/** Its HTTP address. */
export const address = (url: Option.Option<string>, directory: string) =>
  Effect.map(
    RunState.read(directory),
    (running) =>
      Option.getOrElse(url, () => Option.match(running, { onNone: () => defaultUrl, onSome: ({ httpUrl }) => httpUrl }))
  )
