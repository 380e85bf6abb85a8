/**
 * Asks a DNS server, over UDP and, where the answer does not fit or the question says so, over TCP.
 *
 * A datagram that is no answer to the question (another id) is passed over, as it may be anybody's; what comes from the
 * server under the right id and is malformed is an error.
 */
import { Duration, Effect, Result, type Scope } from "effect"
import type { LookupAddress } from "node:dns"
import { StepFailed, type Stopwatch } from "../CheckSteps.ts"
import * as Connection from "../net/Connection.ts"
import * as Conversation from "../net/Conversation.ts"
import * as Datagram from "../net/Datagram.ts"
import * as DnsMessage from "./DnsMessage.ts"

export type Transport = "auto" | "udp" | "tcp"

export interface Server {
  readonly address: LookupAddress
  readonly port: number
}

export interface Exchange {
  readonly answer: DnsMessage.Answer
  /** Over which the answer came. */
  readonly transport: "udp" | "tcp"
}

const attempts = 3
const pause = Duration.seconds(1)

const read = (question: DnsMessage.Question, bytes: Buffer) =>
  Effect.fromResult(Result.mapError(DnsMessage.decode(question, bytes), (reason) => new StepFailed({ reason })))

const overUdp = (question: DnsMessage.Question, { address, port }: Server) =>
  Datagram.ask({
    to: address,
    port,
    bytes: DnsMessage.encode(question),
    attempts,
    pause,
    accepts: (bytes) => DnsMessage.isFor(question.id, bytes)
  }).pipe(Effect.flatMap(({ answer }) => read(question, answer)))

/** Two bytes of length go before each message. */
const converse = Effect.fnUntraced(function*(question: DnsMessage.Question, talk: Conversation.Conversation) {
  const asked = DnsMessage.encode(question)
  yield* talk.send(Buffer.concat([Buffer.from([asked.length >> 8, asked.length & 0xff]), asked]))
  let said: Buffer = Buffer.alloc(0)
  for (;;) {
    const length = said.length < 2 ? 0 : said.readUInt16BE(0)
    if (length > DnsMessage.bytesMax) {
      const reason = `the answer has ${length} bytes, at most ${DnsMessage.bytesMax} are read`
      return yield* new StepFailed({ reason })
    }
    if (said.length >= 2 && said.length >= length + 2) return yield* read(question, said.subarray(2, length + 2))
    const had = said.length
    said = yield* talk.more(had).pipe(
      Effect.mapError(({ reason }) => new StepFailed({ reason: `${reason} after ${had} bytes of the answer` }))
    )
  }
})

const overTcp = Effect.fnUntraced(function*(
  question: DnsMessage.Question,
  { address, port }: Server,
  watch: Stopwatch
) {
  // The server's name is resolved already, and its address was judged.
  const resolved = { resolve: () => Effect.succeed([address]) }
  const { socket } = yield* Connection.open(resolved, { host: address.address, port }, watch)
  const talk = yield* Conversation.make(socket)
  return yield* watch.step("answer", converse(question, talk))
})

export const ask = Effect.fnUntraced(function*(
  question: DnsMessage.Question,
  server: Server,
  transport: Transport,
  watch: Stopwatch
): Effect.fn.Return<Exchange, StepFailed, Scope.Scope> {
  if (transport !== "tcp") {
    const answer = yield* watch.step("answer", overUdp(question, server))
    if (transport === "udp" || !answer.isTruncated) return { answer, transport: "udp" }
  }
  return { answer: yield* overTcp(question, server, watch), transport: "tcp" }
})
