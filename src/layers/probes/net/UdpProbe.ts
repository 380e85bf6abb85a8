/**
 * `udp`: does a service answer a datagram?
 *
 * The datagram is sent again a few times within the limit, because one may get lost. The socket is connected, so answers
 * of others are not heard, and a host that refuses the port says so. That no answer comes says little of a service that
 * answers nothing it does not understand: the datagram has to be one of its own protocol.
 */
import { Duration, Effect, Result, Schema } from "effect"
import { HostAndPort } from "../../../domain/monitoring/checks/details/Address.ts"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import { parseHostPort } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { Kind } from "../ProbeKit.ts"
import * as Datagram from "./Datagram.ts"
import * as Said from "./Said.ts"

const Hex = Schema.String.check(
  Schema.makeFilter((text: string) =>
    /^(?:[0-9a-fA-F]{2}\s*)+$/.test(text) ? undefined : "expected bytes in hexadecimal, such as \"0d0a ff\""
  )
)

const Target = Schema.Struct({
  address: Details.required(HostAndPort, "`host:port`", { shows: "whole" }),
  send: Details.optional(Schema.String, "the datagram as text"),
  sendHex: Details.optional(Hex, "the datagram in hexadecimal, instead of `send`"),
  expect: Details.optional(
    Details.Pattern,
    "a regular expression that the answer must match; without it any answer will do",
    { shows: "whole" }
  ),
  attempts: Details.orElse(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
    3,
    "how often the datagram is sent, spread over the limit",
    { shows: "whole" }
  ),
  timeout: Details.timeout("5 seconds")
}).check(
  Schema.makeFilter((target) =>
    (target.send === undefined) === (target.sendHex === undefined)
      ? "expected one of send and sendHex: what a service that speaks UDP is asked"
      : undefined
  )
)
type Target = typeof Target.Type

const payload = Schema.Struct({
  host: Payload.text("of the target"),
  port: Payload.measure("count", "of the target"),
  address: Payload.text("the one that was asked"),
  answer: Payload.text("the beginning of the answer, at most 1,024 characters"),
  bytes: Payload.measure("bytes", "length of the answer"),
  attempts: Payload.measure("count", "how often the datagram was sent"),
  timings: Payload.timings("dns", "answer"),
  ...Payload.common
})

const format: Details.Format<Target> = {
  serviceType: "udp",
  schema: Target,
  bare: () => Result.fail("a datagram to send is needed, so there is no plain form"),
  bareForm: ""
}
const parse = Details.parse(format)

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(parse(request.details))
    const place = yield* Effect.fromResult(parseHostPort("udp", target.address))
    const bytes = target.sendHex === undefined
      ? Buffer.from(target.send ?? "")
      : Buffer.from(target.sendHex.replaceAll(/\s/g, ""), "hex")
    const failure = `UDP check of ${target.address} failed`
    return CheckSteps.checker({
      limit: target.timeout,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const [first] = yield* watch.step("dns", kit.names.resolve(place.host))
        if (first === undefined) return yield* new CheckSteps.StepFailed({ reason: "the name has no address" })
        const { answer, sent } = yield* watch.step(
          "answer",
          Datagram.ask({
            to: first,
            port: place.port,
            bytes,
            attempts: target.attempts,
            pause: Duration.divideUnsafe(target.timeout, target.attempts + 1),
            accepts: () => true
          })
        )
        const isMatch = target.expect === undefined ||
          (yield* kit.patterns.matches(target.expect, Said.textOf(answer)).pipe(
            Effect.mapError((reason) => new CheckSteps.StepFailed({ reason }))
          ))
        return {
          facts: {
            ...place,
            address: first.address,
            answer: Said.shown(answer),
            bytes: answer.length,
            attempts: sent
          },
          complaint: isMatch ? undefined : `the answer does not match ${JSON.stringify(target.expect)}`
        }
      })
    })
  })

export const kind: Kind = {
  about: "Does a service answer a datagram?",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    {
      details: "{\"address\":\"192.0.2.10:123\",\"sendHex\":\"1b" + "00".repeat(47) + "\"}",
      about: "Does an NTP server answer?"
    },
    {
      details:
        "{\"address\":\"192.0.2.10:11211\",\"send\":\"\\u0000\\u0001\\u0000\\u0000\\u0000\\u0001\\u0000\\u0000version\\r\\n\",\"expect\":\"VERSION\"}",
      about: "Does memcached say its version?"
    }
  ],
  prepare
}
