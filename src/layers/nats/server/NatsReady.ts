/**
 * Waits until a nats-server that was just started lets clients in.
 *
 * Reads the INFO line that the server greets with, so neither an account nor a monitoring port is needed. The server
 * listens only after JetStream has recovered its streams: whoever is greeted finds them all there.
 */
import { type Duration, Effect, Result, Schedule, Schema } from "effect"
import * as net from "node:net"
import { noAnswer, SetupFailed } from "../../process/SetupFailed.ts"

const greetingBytesMax = 64 * 1024

const Info = Schema.fromJsonString(Schema.Struct({
  server_name: Schema.String,
  version: Schema.String,
  jetstream: Schema.optionalKey(Schema.Boolean)
}))
export type Info = typeof Info.Type

const decodeInfo = Schema.decodeUnknownResult(Info)

/** The server's greeting, by one connection that is closed at once. */
export const greeting = (host: string, port: number): Effect.Effect<Info, SetupFailed> =>
  Effect.callback<Info, SetupFailed>((resume) => {
    let text = ""
    const socket = net.connect({ host, port })
    const refuse = (detail: string) =>
      resume(Effect.fail(new SetupFailed({ step: `connecting to ${host}:${port}`, detail })))
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      const end = text.indexOf("\r\n")
      if (end === -1 && text.length < greetingBytesMax) return
      socket.destroy()
      const info = decodeInfo(text.slice(text.indexOf("{"), end))
      if (Result.isSuccess(info)) resume(Effect.succeed(info.success))
      else refuse("what answers there is no NATS")
    })
    socket.once("error", (cause) => refuse(cause.message))
    socket.once("close", () => refuse("closed before it said who it is"))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({
      duration: "2 seconds",
      orElse: () => Effect.fail(new SetupFailed({ step: `connecting to ${host}:${port}`, detail: "no greeting" }))
    })
  )

/** The greeting of the server named `serverName`; that of another server on the port does not count. */
export const awaitServer = (
  host: string,
  port: number,
  serverName: string,
  limit: Duration.Duration
): Effect.Effect<Info, SetupFailed> =>
  greeting(host, port).pipe(
    Effect.filterOrFail(
      (info) => info.server_name === serverName,
      (info) =>
        new SetupFailed({
          step: `connecting to ${host}:${port}`,
          detail: `another server answers: ${info.server_name}`
        })
    ),
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.fail(noAnswer({ host, port }, limit))
    })
  )
