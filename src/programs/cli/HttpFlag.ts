/** `--http host:port | off`: where a program serves health, metrics and its live tree. */
import { Option } from "effect"
import * as Flag from "effect/cli/Flag"
import * as ListenAddress from "../../domain/monitoring/ListenAddress.ts"

export const httpFlag = (byDefault: string): Flag.Flag<Option.Option<ListenAddress.ListenAddress>> =>
  Flag.String("http").pipe(
    Flag.withDefault(byDefault),
    Flag.filterMap(
      (text) => text === "off" ? Option.some(Option.none()) : Option.map(ListenAddress.parse(text), Option.some),
      (text) => `expected host:port or "off", got ${JSON.stringify(text)}`
    ),
    Flag.withDescription("Where to serve health, metrics and the live tree, or \"off\"")
  )
