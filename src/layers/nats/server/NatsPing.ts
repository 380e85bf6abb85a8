/**
 * Whether a nats-server of ours still does its work: whether its JetStream answers.
 *
 * A server that hangs greets nobody or answers no request; one whose disk was full has switched JetStream off, and
 * switches it on again only when it is started anew. Both are found by one question over a connection of its own, in
 * the server's own words, so that nothing of a client in use can be in the way.
 */
import { type Effect, Redacted } from "effect"
import type * as tls from "node:tls"
import type { HostPort } from "../../../domain/sockets/HostPort.ts"
import * as ServerPing from "../../process/endpoint/ServerPing.ts"
import type { SetupFailed } from "../../process/SetupFailed.ts"

export interface PingOptions extends HostPort {
  readonly username: string
  readonly password: Redacted.Redacted
  /** As a client of a server that speaks TLS. */
  readonly secured?: tls.ConnectionOptions | undefined
}

const answerBytesMax = 64 * 1024
const inbox = "_WATCHDOG"

const question = ({ password, username }: PingOptions): string => {
  const connect = JSON.stringify({
    user: username,
    pass: Redacted.value(password),
    verbose: false,
    headers: true,
    no_responders: true
  })
  return `CONNECT ${connect}\r\nSUB ${inbox} 1\r\nPUB $JS.API.INFO ${inbox} 0\r\n\r\n`
}

/** Undefined while more has to come. */
const verdict = (text: string): string | undefined => {
  if (/^-ERR [^\r\n]*/m.test(text)) return /^-ERR [^\r\n]*/m.exec(text)?.[0]
  if (text.includes("NATS/1.0 503")) return "its JetStream is switched off"
  const [, answer] = /^MSG [^\r\n]*\r\n([^\r\n]*)\r\n/m.exec(text) ?? []
  if (answer === undefined) return text.length > answerBytesMax ? "it says too much" : undefined
  return answer.includes("\"error\"") ? `its JetStream does not work: ${answer.slice(0, 200)}` : ""
}

export const ping = (options: PingOptions): Effect.Effect<void, SetupFailed> =>
  ServerPing.ask({
    host: options.host,
    port: options.port,
    secured: options.secured,
    ask: (socket) => {
      const say = () => socket.write(question(options))
      // Over TLS the greeting has been heard.
      if (options.secured === undefined) socket.once("data", say)
      else say()
    },
    verdict: (answer) => verdict(answer.toString("utf8"))
  })
