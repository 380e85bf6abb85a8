/**
 * Asks a server for TLS in the words of its protocol, before the handshake.
 *
 * What a server says after its go-ahead must be the handshake: anything in plain text that came along with it is refused,
 * as it may be from somebody in between. Lines and answers have limits.
 *
 * Sources: RFC 3207 (SMTP), RFC 3501 §6.2.1 (IMAP), PostgreSQL's frontend protocol, SSLRequest.
 */
import { Effect, type Scope } from "effect"
import type * as net from "node:net"
import { StepFailed } from "../CheckSteps.ts"
import * as Conversation from "../net/Conversation.ts"
import * as Said from "../net/Said.ts"

const answerBytesMax = 16 * 1_024
const linesMax = 200

type Step<A> = Effect.Effect<A, StepFailed>

const quoted = (bytes: Uint8Array): string => JSON.stringify(Said.shown(bytes.subarray(0, 120)).trim())

const refused = (expected: string, said: Uint8Array) =>
  new StepFailed({ reason: `the server answers ${quoted(said)}, expected ${expected}` })

/** One line without its end. */
const line = Effect.fnUntraced(function*(talk: Conversation.Conversation, expected: string) {
  let known = 0
  for (;;) {
    const said: Buffer = yield* talk.more(known).pipe(
      Effect.mapError(({ reason }) => new StepFailed({ reason: `${reason}, expected ${expected}` }))
    )
    const end = said.indexOf("\n")
    if (end !== -1 && end <= answerBytesMax) {
      talk.take(end + 1)
      return said.subarray(0, end).toString("latin1").trimEnd()
    }
    if (said.length > answerBytesMax) return yield* refused(`${expected} in a line`, said)
    known = said.length
  }
})

/** The lines of one answer of an SMTP server: all but the last have a dash after their code. */
const smtpAnswer = Effect.fnUntraced(function*(talk: Conversation.Conversation, code: string) {
  const lines: Array<string> = []
  while (lines.length < linesMax) {
    const text: string = yield* line(talk, `${code} of SMTP`)
    if (!text.startsWith(code) || /^\d{4}/.test(text)) return yield* refused(`${code} of SMTP`, Buffer.from(text))
    lines.push(text.slice(4))
    if (text[3] !== "-") return lines
  }
  return yield* new StepFailed({ reason: `the server's answer has more than ${linesMax} lines` })
})

const smtp = Effect.fnUntraced(function*(talk: Conversation.Conversation) {
  yield* smtpAnswer(talk, "220")
  yield* talk.send("EHLO serviceradar.invalid\r\n")
  const features = yield* smtpAnswer(talk, "250")
  if (!features.some((feature) => /^STARTTLS\b/i.test(feature))) {
    return yield* new StepFailed({ reason: "the server does not offer STARTTLS" })
  }
  yield* talk.send("STARTTLS\r\n")
  yield* smtpAnswer(talk, "220")
})

const imap = Effect.fnUntraced(function*(talk: Conversation.Conversation) {
  const greeting = yield* line(talk, "the greeting of IMAP")
  if (!/^\* (?:OK|PREAUTH)\b/i.test(greeting)) return yield* refused("\"* OK\" of IMAP", Buffer.from(greeting))
  yield* talk.send("a1 STARTTLS\r\n")
  for (let count = 0; count < linesMax; count++) {
    const text: string = yield* line(talk, "\"a1 OK\" of IMAP")
    if (/^a1 OK\b/i.test(text)) return
    if (!text.startsWith("* ")) return yield* refused("\"a1 OK\" of IMAP", Buffer.from(text))
  }
  return yield* new StepFailed({ reason: `the server's answer has more than ${linesMax} lines` })
})

/** Length 8, then the code 1234·2^16 + 5679. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

const postgres = Effect.fnUntraced(function*(talk: Conversation.Conversation) {
  yield* talk.send(sslRequest)
  const said = yield* talk.more(0).pipe(
    Effect.mapError(({ reason }) => new StepFailed({ reason: `${reason}, expected "S" of PostgreSQL` }))
  )
  const [letter] = said.toString("latin1")
  if (letter === "N") return yield* new StepFailed({ reason: "the server does not offer TLS" })
  if (letter !== "S") return yield* refused("\"S\" of PostgreSQL", said)
  talk.take(1)
})

const protocols = { smtp, imap, postgres } as const satisfies Readonly<
  Record<string, (talk: Conversation.Conversation) => Step<void>>
>

export type Protocol = keyof typeof protocols

export const names: ReadonlyArray<Protocol> = ["smtp", "imap", "postgres"]

/** From then on the socket is the handshake's. */
export const ask = (protocol: Protocol, socket: net.Socket): Effect.Effect<void, StepFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const talk = yield* Conversation.make(socket)
    yield* protocols[protocol](talk)
    const more = talk.rest()
    talk.release()
    if (more.length > 0) return yield* refused("nothing more before the handshake", more)
  })
