import { assert, describe, it } from "@effect/vitest"
import { headers, type Msg } from "@nats-io/transport-node"
import { Duration } from "effect"
import { deliver } from "../../../../src/layers/events/jetstream/JetStreamMessage.ts"

/** What the client hands over, as far as it is looked at. */
const msg = (reply: string, extra: Partial<Msg> = {}): Msg => ({
  subject: "logs.syslog",
  sid: 1,
  reply,
  data: new TextEncoder().encode("text"),
  respond: () => assert.fail("answered by the connection"),
  json: () => assert.fail("not asked for"),
  string: () => assert.fail("not asked for"),
  ...extra
})

const own = () => false
const silent = () => undefined
const old = "$JS.ACK.events.writer-logs.3.42.7.1795246959618369811.9"

describe("JetStreamMessage", () => {
  it.each([
    ["of old servers", old],
    ["with a domain and an account", "$JS.ACK.hub.ACCHASH.events.writer-logs.3.42.7.1795246959618369811.9"],
    ["with a random last token", "$JS.ACK._.ACCHASH.events.writer-logs.3.42.7.1795246959618369811.9.x7Yq"]
  ])("reads which delivery it is from a reply %s, to the exact microsecond", (_, reply) => {
    const delivery = deliver(msg(reply), own, silent)

    assert.deepStrictEqual(
      [delivery?.deliveries, delivery?.message.stream, delivery?.message.sequence, delivery?.message.storedAtMicros],
      [3, "events", 42, 1_795_246_959_618_369]
    )
  })

  it.each(["", "_INBOX.x.1", "$JS.ACK.events.writer.a.b.c.d.e", "$JS.ACK.events"])(
    "takes no message that was sent to %j for a delivery",
    (reply) => {
      assert.isUndefined(deliver(msg(reply), own, silent))
    }
  )

  it("keeps neighbours apart whose sequences are beyond 2^53, up to the largest that there is", () => {
    const sequences = ["9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615"]
    const found = sequences.map((sequence) =>
      deliver(msg(`$JS.ACK.events.writer-logs.1.${sequence}.${sequence}.1795246959618369811.0`), own, silent)?.message
        .sequence
    )

    assert.lengthOf(new Set(found), sequences.length)
    assert.isTrue(found.every(Number.isSafeInteger), String(found))
  })

  it("acknowledges such a delivery by the reply as it came", () => {
    const reply = "$JS.ACK._.ACC.events.writer-logs.1.18446744073709551615.18446744073709551615.1795246959618369811.0.x"
    const answers: Array<string> = []
    deliver(msg(reply), own, (to) => answers.push(to))?.ack()

    assert.deepStrictEqual(answers, [reply])
  })

  it("gives the first value of each header by its lower-case name, and all of them as they were", () => {
    const some = headers()
    some.append("X-Tenant", "a")
    some.append("X-Tenant", "b")
    some.append("x-tenant", "c")
    const message = deliver(msg(old, { headers: some }), own, silent)?.message

    assert.deepStrictEqual([...message?.headers ?? []], [["x-tenant", "a"]])
    assert.deepStrictEqual(message?.headerValues, [["X-Tenant", "a"], ["X-Tenant", "b"], ["x-tenant", "c"]])
  })

  it("has no headers where the client cannot read them", () => {
    const broken = msg(old)
    Object.defineProperty(broken, "headers", {
      get: () => {
        throw new Error("invalid header name")
      }
    })

    assert.strictEqual(deliver(broken, own, silent)?.message.headers.size, 0)
  })

  it("answers in the words of JetStream", () => {
    const answers: Array<string> = []
    const delivery = deliver(msg(old), own, (reply, answer) => {
      assert.strictEqual(reply, old)
      answers.push(new TextDecoder().decode(answer))
    })

    delivery?.extend()
    delivery?.nak(Duration.zero)
    delivery?.nak(Duration.millis(1_500))
    delivery?.ack()
    delivery?.term()

    assert.deepStrictEqual(answers, ["+WPI", "-NAK", "-NAK {\"delay\":1500000000}", "+ACK", "+TERM"])
  })
})
