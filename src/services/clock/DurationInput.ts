/** A duration as somebody wrote it, in milliseconds; NaN where it is none, which no check of options lets pass. */
import { Duration, Option } from "effect"

export const millisOf = (input: Duration.Input): number =>
  Option.match(Duration.fromInput(input), { onNone: () => Number.NaN, onSome: Duration.toMillis })
