/** One question to a server of ours, over a connection of its own, answered within 3 s or not at all. */
import { Effect } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import { SetupFailed } from "../SetupFailed.ts"

const limit = "3 seconds"

export interface Question extends HostPort.HostPort {
  /** Called with the connection: asks at once, or once the server has greeted. */
  readonly ask: (socket: net.Socket) => void
  /** With it the server greets in plain text and goes on over TLS; it is asked then. */
  readonly secured?: tls.ConnectionOptions | undefined
  /** What is wrong, by all that was answered so far; empty for nothing, undefined while more has to come. */
  readonly verdict: (answer: Buffer) => string | undefined
}

export const ask = ({ ask, host, port, secured, verdict }: Question): Effect.Effect<void, SetupFailed> => {
  const failed = (detail: string) =>
    new SetupFailed({ step: `asking the server on ${HostPort.format({ host, port })}`, detail })
  return Effect.callback<void, SetupFailed>((resume) => {
    let answer = Buffer.alloc(0)
    const socket = net.connect({ host, port })
    const watch = (one: net.Socket) => {
      one.once("error", (cause) => resume(Effect.fail(failed(cause.message))))
      one.once("close", () => resume(Effect.fail(failed("it closed the connection"))))
    }
    const converse = (one: net.Socket) => {
      one.on("data", (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk])
        const found = verdict(answer)
        if (found === undefined) return
        socket.destroy()
        resume(found === "" ? Effect.void : Effect.fail(failed(found)))
      })
      ask(one)
    }
    watch(socket)
    if (secured === undefined) converse(socket)
    else {
      socket.once("data", () => {
        const over = tls.connect({ ...secured, socket }, () => converse(over))
        watch(over)
      })
    }
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(failed("no answer within 3 s")) })
  )
}
