/**
 * `tcp`: what does a server say, of its own accord or when it is asked something?
 *
 * Everything that has come so far is held against the expectation whenever something comes, so `$` is the end of what
 * was said until then. A server that floods is heard up to a limit and no further.
 */
import { Effect, Result, Schema } from "effect"
import { HostAndPort } from "../../../domain/monitoring/checks/details/Address.ts"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import { parseHostPort } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { Kind, ProbeKit } from "../ProbeKit.ts"
import * as Connection from "./Connection.ts"
import * as Conversation from "./Conversation.ts"
import * as Said from "./Said.ts"

const Target = Schema.Struct({
  address: Details.required(HostAndPort, "`host:port`", { shows: "whole" }),
  send: Details.optional(Schema.String, "sent when the connection is open; line ends are part of it"),
  expect: Details.optional(
    Details.Pattern,
    "a regular expression that what the server says must match; without it anything will do",
    { shows: "whole" }
  ),
  bytesMax: Details.orElse(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 })),
    4_096,
    "how much of what the server says is heard",
    { shows: "whole" }
  ),
  timeout: Details.timeout("10 seconds")
})
type Target = typeof Target.Type

const payload = Schema.Struct({
  host: Payload.text("of the target"),
  port: Payload.measure("count", "of the target"),
  address: Payload.text("the one that answered"),
  banner: Payload.text("the beginning of what the server said, at most 1,024 characters"),
  bytes: Payload.measure("bytes", "how much it said until the check was done"),
  timings: Payload.timings("dns", "connect", "first_byte"),
  ...Payload.common
})

const format: Details.Format<Target> = {
  serviceType: "tcp",
  schema: Target,
  bare: (address) => Result.succeed({ address }),
  bareForm: "host:port of a server that speaks first"
}
const parse = Details.parse(format)

/** Listens until the expectation is met; the reason when it cannot be any more. */
const listen = Effect.fnUntraced(function*(
  { patterns }: Pick<ProbeKit, "patterns">,
  conversation: Conversation.Conversation,
  { bytesMax, expect }: Target,
  said: Buffer
) {
  let heard = said.subarray(0, bytesMax)
  if (expect === undefined) return { heard, complaint: undefined }
  for (;;) {
    const isMatch = yield* patterns.matches(expect, Said.textOf(heard)).pipe(
      Effect.mapError((reason) => new CheckSteps.StepFailed({ reason }))
    )
    if (isMatch) return { heard, complaint: undefined }
    const unmatched = `what the server said does not match ${JSON.stringify(expect)}`
    if (heard.length >= bytesMax) return { heard, complaint: `${unmatched} in its first ${bytesMax} bytes` }
    const more = yield* Effect.result(conversation.more(heard.length))
    if (Result.isFailure(more)) return { heard, complaint: `${unmatched}, and ${more.failure.reason}` }
    heard = more.success.subarray(0, bytesMax)
  }
})

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(parse(request.details))
    const place = yield* Effect.fromResult(parseHostPort("tcp", target.address))
    const failure = `TCP check of ${target.address} failed`
    return CheckSteps.checker({
      limit: target.timeout,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const { address, socket } = yield* Connection.open(kit.names, place, watch)
        const conversation = yield* Conversation.make(socket)
        if (target.send !== undefined) yield* conversation.send(target.send)
        const said = yield* watch.step("first_byte", conversation.more(0))
        const { complaint, heard } = yield* listen(kit, conversation, target, said)
        return {
          facts: { ...place, address, banner: Said.shown(heard), bytes: heard.length },
          complaint
        }
      })
    })
  })

export const kind: Kind = {
  about: "Does a server say what is expected, of its own accord or when it is asked?",
  notes: "A check of type `port` is enough for a server that waits to be asked: this one fails when nothing is said.",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    { details: "192.0.2.10:22", about: "Does an SSH server say anything?" },
    {
      details: "{\"address\":\"mail.example.org:25\",\"expect\":\"^220 \"}",
      about: "Does a mail server say that it is ready?"
    },
    {
      details: "{\"address\":\"192.0.2.10:6379\",\"send\":\"PING\\r\\n\",\"expect\":\"^\\\\+PONG\"}",
      about: "Does Redis answer?"
    }
  ],
  prepare
}
