/** `--http host:port | off`: where a program serves health, metrics and its live tree. */
import { Option } from "effect"
import * as Flag from "effect/cli/Flag"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"

type Address = Option.Option<ListenAddress>

const address = Flag.String("http").pipe(
  Flag.filterMap(
    (text): Option.Option<Address> =>
      text === "off" ? Option.some(Option.none()) : Option.map(HostPort.parse(text), Option.some),
    (text) => `host:port or "off", got ${JSON.stringify(text)}`
  ),
  Flag.withMetavar("HOST:PORT")
)

export const httpFlag = (byDefault: string): Flag.Flag<Address> =>
  address.pipe(
    Flag.withDefault(HostPort.parse(byDefault)),
    Flag.withDescription(`Where to serve health, metrics and the live tree, or "off"; ${byDefault} unless told`)
  )

/** For a program whose configuration file has the address too: none leaves it to the file. */
export const httpFlagOptional: Flag.Flag<Option.Option<Address>> = address.pipe(
  Flag.optional,
  Flag.withDescription("Where to serve health, metrics and API, or \"off\"; in place of listen_addr")
)
