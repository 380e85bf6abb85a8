/** One question to a server of ours, over a connection of its own, answered within 3 s or not at all. */
import { Effect } from "effect"
import * as net from "node:net"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import { SetupFailed } from "../SetupFailed.ts"

const limit = "3 seconds"

export interface Question extends HostPort.HostPort {
  /** Called with the connection: asks at once, or once the server has greeted. */
  readonly ask: (socket: net.Socket) => void
  /** What is wrong, by all that was answered so far; empty for nothing, undefined while more has to come. */
  readonly verdict: (answer: Buffer) => string | undefined
}

export const ask = ({ ask, host, port, verdict }: Question): Effect.Effect<void, SetupFailed> => {
  const failed = (detail: string) =>
    new SetupFailed({ step: `asking the server on ${HostPort.format({ host, port })}`, detail })
  return Effect.callback<void, SetupFailed>((resume) => {
    let answer = Buffer.alloc(0)
    const socket = net.connect({ host, port })
    socket.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      const found = verdict(answer)
      if (found === undefined) return
      socket.destroy()
      resume(found === "" ? Effect.void : Effect.fail(failed(found)))
    })
    socket.once("error", (cause) => resume(Effect.fail(failed(cause.message))))
    socket.once("close", () => resume(Effect.fail(failed("it closed the connection"))))
    ask(socket)
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(failed("no answer within 3 s")) })
  )
}
