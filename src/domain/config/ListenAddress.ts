/**
 * Where a server listens, as the Go services write it: `host:port`, `[v6]:port`, or `:port` for all interfaces, IPv4 and
 * IPv6 alike. Port 0 takes a free one.
 */
import { Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as HostPort from "../sockets/HostPort.ts"

export type ListenAddress = HostPort.HostPort

/** What an operator may write. */
export const expectation = "an address to listen on such as \":50053\" or \"127.0.0.1:50053\""

const Parts = Schema.Struct({ host: Schema.String, port: Schema.Int })

const reading = <A>(read: (text: string) => Option.Option<A>) =>
  SchemaGetter.transformEffect((text: string, options) =>
    Option.match(read(text), {
      onNone: () => {
        const message = `Expected ${expectation}, got ${JSON.stringify(text)}`
        return Effect.fail(new SchemaIssue.InvalidValue({ message }, text, options))
      },
      onSome: (value) => Effect.succeed(value)
    })
  )

/** A key of a configuration file. */
export const ListenAddress = Schema.String.pipe(
  Schema.decodeTo(Parts, { decode: reading(HostPort.parse), encode: SchemaGetter.transform(HostPort.format) })
)

/** A key of a configuration file where an empty text means none. */
export const OptionalListenAddress = Schema.String.pipe(
  Schema.decodeTo(Schema.Option(Parts), {
    decode: reading((text) => text === "" ? Option.some(Option.none()) : Option.map(HostPort.parse(text), Option.some)),
    encode: SchemaGetter.transform(Option.match({ onNone: () => "", onSome: HostPort.format }))
  })
)
