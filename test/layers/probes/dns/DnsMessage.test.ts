import { assert, describe, it } from "@effect/vitest"
import * as dnsPacket from "dns-packet"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as DnsMessage from "../../../../src/layers/probes/dns/DnsMessage.ts"

const question: DnsMessage.Question = { id: 513, name: "a.test", type: "TXT", recursion: true, dnssec: false }

const answer = dnsPacket.encode({
  type: "response",
  id: question.id,
  flags: dnsPacket.AUTHORITATIVE_ANSWER,
  questions: [{ type: "TXT", name: "A.test" }],
  answers: [
    { type: "CNAME", name: "a.test", ttl: 5, data: "b.test" },
    { type: "TXT", name: "b.test", ttl: 60, data: ["one ", "text"] },
    { type: "TXT", name: "b.test", ttl: 30, data: "two" }
  ]
})

describe("DnsMessage", () => {
  it("reads the records that were asked for and their shortest time to live", () =>
    assert.deepStrictEqual(
      DnsMessage.decode(question, answer),
      Result.succeed({
        code: "NOERROR",
        isTruncated: false,
        isAuthoritative: true,
        isAuthentic: false,
        records: ["one text", "two"],
        ttlSeconds: 30
      })
    ))

  const ofName = (name: string, type: "A" | "AAAA", data: string) =>
    dnsPacket.encode({
      type: "response",
      id: question.id,
      questions: [{ type, name: "a.test" }],
      answers: [{ type, name, data }]
    })

  it("takes no record of a name that nobody asked for", () => {
    const answered = (name: string) => DnsMessage.decode({ ...question, type: "A" }, ofName(name, "A", "192.0.2.1"))

    assert.deepStrictEqual(Result.map(answered("A.TEST."), ({ records }) => records), Result.succeed(["192.0.2.1"]))
    assert.deepStrictEqual(Result.map(answered("other.test"), ({ records }) => records), Result.succeed([]))
  })

  it("takes no record of another class than that of the Internet", () => {
    const ofClass = (number: number) => {
      const bytes = ofName("a.test", "A", "192.0.2.1")
      // Behind the header, the question (name, type, class), and the record's name and type.
      bytes.writeUInt16BE(number, 12 + (8 + 4) + 8 + 2)
      return DnsMessage.decode({ ...question, type: "A" }, bytes)
    }

    assert.deepStrictEqual(Result.map(ofClass(1), ({ records }) => records), Result.succeed(["192.0.2.1"]))
    assert.deepStrictEqual(Result.map(ofClass(3), ({ records }) => records), Result.succeed([]))
  })

  it("follows aliases that lead in a circle once", () => {
    const circle = dnsPacket.encode({
      type: "response",
      id: question.id,
      questions: [{ type: "A", name: "a.test" }],
      answers: [
        { type: "CNAME", name: "a.test", data: "b.test" },
        { type: "CNAME", name: "b.test", data: "a.test" },
        { type: "A", name: "b.test", data: "192.0.2.1" }
      ]
    })

    const read = DnsMessage.decode({ ...question, type: "A" }, circle)

    assert.deepStrictEqual(Result.map(read, ({ records }) => records), Result.succeed(["192.0.2.1"]))
  })

  for (const [type, data, bytes] of [["A", "192.0.2.1", 4], ["AAAA", "2001:db8::1", 16]] as const) {
    it(`takes no ${type} record of another length, nor one that goes on beyond the end`, () => {
      const whole = ofName("a.test", type, data)
      const lengthAt = whole.length - bytes - 2
      const changed = (length: number, end: number) => {
        const copy = Buffer.from(whole.subarray(0, end))
        copy.writeUInt16BE(length, lengthAt)
        return DnsMessage.decode({ ...question, type }, copy)
      }

      assert.deepStrictEqual(Result.map(changed(bytes, whole.length), (read) => read.records), Result.succeed([data]))
      assert.match(
        Result.getFailure(changed(bytes - 1, whole.length - 1)).pipe(Option.getOrElse(() => "")),
        new RegExp(`a record of an IPv${bytes === 4 ? 4 : 6} address has ${bytes - 1} bytes`)
      )
      assert.match(
        Result.getFailure(changed(bytes, whole.length - 1)).pipe(Option.getOrElse(() => "")),
        /it ends within a record/
      )
      assert.isTrue(Result.isFailure(changed(65_535, whole.length)))
    })
  }

  it("asks in a form that any server reads", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65_535 }),
        fc.domain(),
        fc.constantFrom(...DnsMessage.recordTypes),
        fc.boolean(),
        (id, name, type, dnssec) => {
          const packet = dnsPacket.decode(DnsMessage.encode({ id, name, type, recursion: true, dnssec }))

          assert.deepInclude(packet, { id, type: "query", flag_rd: true })
          assert.deepInclude(packet.questions?.[0], { name, type })
        }
      )
    ))

  it("reads whatever else comes as an answer or as none, and throws nothing", () => {
    const broken = fc.oneof(
      fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.concat([answer.subarray(0, 12), bytes])),
      fc.tuple(fc.nat(answer.length), fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, bytes]) => {
        const changed = Buffer.from(answer)
        changed.set(bytes.subarray(0, changed.length - at), at)
        return changed
      }),
      fc.nat(answer.length).map((length) => answer.subarray(0, length))
    )
    fc.assert(
      fc.property(broken, (bytes) => {
        const read = DnsMessage.decode(question, bytes)
        if (Result.isSuccess(read)) assert.isTrue(read.success.records.every((one) => typeof one === "string"))
        else assert.isAbove(read.failure.length, 0)
      }),
      { numRuns: 2_000 }
    )
  })

  it("does not take long over names that lead from one to the next", () => {
    // A chain of pointers, each to the one before, and as many records as fit that begin at its end.
    const chain = Buffer.alloc(8_000)
    for (let at = 0; at + 1 < chain.length; at += 2) chain.writeUInt16BE(0xc000 + Math.max(0, 19 + at - 2), at)
    const record = Buffer.from([0xc0 + ((8_000 + 17) >> 8), (8_000 + 17) & 0xff, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    const head = Buffer.from(answer.subarray(0, 12))
    head.writeUInt16BE(600, 6)
    const bytes = Buffer.concat([head, chain, ...Array.from({ length: 600 }, () => record)])
    const startedMillis = performance.now()

    DnsMessage.decode(question, bytes.subarray(0, DnsMessage.bytesMax))

    assert.isBelow(performance.now() - startedMillis, 1_000)
  })

  it("names an address as the reverse zones do", () => {
    assert.strictEqual(DnsMessage.reverseName([192, 0, 2, 10]), "10.2.0.192.in-addr.arpa")
    assert.strictEqual(
      DnsMessage.reverseName([0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 1]),
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    )
  })
})
