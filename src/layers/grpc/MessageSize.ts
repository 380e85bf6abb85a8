/**
 * Message size limits: 4 MiB both ways unless the operator says otherwise.
 *
 * `GRPC_MAX_RECV_MSG_SIZE` and `GRPC_MAX_SEND_MSG_SIZE` hold bytes, or a number with K, KB, M, MB, G or GB (steps of
 * 1024, any case). A value that cannot be read is warned about and ignored: a typing error must not keep a server down.
 */
import { Config, Effect, Option } from "effect"

/** 4 MiB, the limit of every peer that sets none. */
export const messageBytesMax = 4_194_304

const factors: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** Largest length that fits the frame header of gRPC and grpc-js's own arithmetic. */
const bytesCeiling = 2 ** 31 - 1

/** Bytes of a size text, or none when it is not one. */
export const parse = (text: string): Option.Option<number> => {
  const [, digits, unit = ""] = /^\s*(\d+)\s*(?:([KMG])B?)?\s*$/i.exec(text) ?? []
  const bytes = Number(digits) * (factors[unit.toUpperCase()] ?? Number.NaN)
  return Number.isSafeInteger(bytes) && bytes > 0 && bytes <= bytesCeiling ? Option.some(bytes) : Option.none()
}

const fromVariable = Effect.fnUntraced(function*(name: string) {
  const text = yield* Config.option(Config.String(name)).pipe(Effect.orElseSucceed(() => Option.none<string>()))
  if (Option.isNone(text) || text.value.trim() === "") return messageBytesMax
  const bytes = parse(text.value)
  if (Option.isSome(bytes)) return bytes.value
  yield* Effect.logWarning(
    `${name}=${text.value} is not a size such as 8M or 4194304; keeping ${messageBytesMax} bytes`
  )
  return messageBytesMax
})

/** The limits of a server, from the environment. */
export const fromEnvironment = Effect.all({
  maxReceiveBytes: fromVariable("GRPC_MAX_RECV_MSG_SIZE"),
  maxSendBytes: fromVariable("GRPC_MAX_SEND_MSG_SIZE")
})
