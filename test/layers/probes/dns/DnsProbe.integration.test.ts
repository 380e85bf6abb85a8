/** `dns` against Debian's dnsmasq, and against servers that answer what is no DNS. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as dgram from "node:dgram"
import * as net from "node:net"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import { withPeer } from "../../../support/peers.ts"
import { listening, portOf, probe } from "../probing.ts"
import * as Dnsmasq from "./dnsmasq.ts"

const check = (details: object) => probe("dns", JSON.stringify(details))

describe("DnsProbe with dnsmasq", () => {
  withPeer(Dnsmasq.missing, "reads the records of each type, and follows an alias", () =>
    Effect.gen(function*() {
      const server = yield* Dnsmasq.start
      const ask = (name: string, type: string) =>
        Effect.map(check({ name, type, server }), ({ document }) => document["answers"])

      const plain = yield* probe("dns", `www.zone.test A @${server}`)

      assert.isTrue(plain.available, plain.message)
      assert.deepInclude(plain.document, {
        name: "www.zone.test",
        type: "A",
        server,
        transport: "udp",
        code: "NOERROR",
        answers: ["192.0.2.80"],
        answer_count: 1,
        ttl_seconds: 300
      })
      assert.deepStrictEqual(yield* ask("www.zone.test", "AAAA"), ["2001:db8::80"])
      assert.deepStrictEqual(yield* ask("ALIAS.zone.test.", "A"), ["192.0.2.80"])
      assert.deepStrictEqual(yield* ask("zone.test", "MX"), ["10 mail.zone.test"])
      assert.deepStrictEqual(yield* ask("_ldap._tcp.zone.test", "SRV"), ["5 7 389 dc.zone.test"])
      assert.deepStrictEqual(yield* ask("zone.test", "TXT"), ["v=spf1 -all"])
      assert.deepStrictEqual(yield* ask("zone.test", "CAA"), ["0 issue ca.test"])
      const reverse = yield* check({ name: "192.0.2.80", server })
      assert.deepInclude(reverse.document, { type: "PTR", answers: ["www.zone.test"] })
      const reverse6 = yield* check({ name: "2001:db8::80", server, transport: "tcp" })
      assert.deepInclude(reverse6.document, { answers: ["www.zone.test"], transport: "tcp" })
    }).pipe(Effect.scoped))

  withPeer(Dnsmasq.missing, "turns to TCP when the answer does not fit into a datagram", () =>
    Effect.gen(function*() {
      const server = yield* Dnsmasq.start

      const whole = yield* check({ name: "long.zone.test", type: "TXT", server })
      const cut = yield* check({ name: "long.zone.test", type: "TXT", server, transport: "udp" })

      assert.isTrue(whole.available, whole.message)
      assert.strictEqual(whole.document["transport"], "tcp")
      assert.sameMembers([whole.document["answers"]].flat().map(String), Dnsmasq.longTexts)
      assert.hasAllKeys(whole.document["timings"], ["dns", "answer", "connect", "total"])
      assert.include(cut.message, "the answer does not fit into a datagram")
    }).pipe(Effect.scoped))

  withPeer(Dnsmasq.missing, "holds the answer against what is expected", () =>
    Effect.gen(function*() {
      const server = yield* Dnsmasq.start
      const www = { name: "www.zone.test", server }

      const results = yield* Effect.all([
        check({ ...www, expected: ["192.0.2.80"] }),
        check({ ...www, expected: ["192.0.2.80", "192.0.2.81"] }),
        check({ ...www, expected: ["192.0.2.80", "192.0.2.81"], match: "any" }),
        check({ name: "zone.test", type: "MX", server, expected: ["10 MAIL.zone.test."], match: "exact" }),
        check({ ...www, type: "MX" }),
        check({ name: "gone.zone.test", server }),
        check({ name: "gone.zone.test", server, code: "NXDOMAIN" }),
        check({ name: "elsewhere.example", server }),
        check({ ...www, dnssec: true })
      ])

      assert.deepStrictEqual(results.map(({ document }) => document["error"]), [
        undefined,
        "the answer lacks 192.0.2.81",
        undefined,
        undefined,
        "the name has no such record",
        "the server answers NXDOMAIN, expected NOERROR",
        undefined,
        "the server answers REFUSED, expected NOERROR",
        "the server has not verified the signatures"
      ])
    }).pipe(Effect.scoped))
})

/** A server of datagrams that answers with what this makes of the question. */
const udpServer = (answer: (asked: Buffer) => ReadonlyArray<Uint8Array>) =>
  Effect.acquireRelease(
    Effect.callback<dgram.Socket>((resume) => {
      const socket = dgram.createSocket("udp4")
      socket.on("message", (asked, { address, port }) => {
        for (const one of answer(asked)) socket.send(one, port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
  ).pipe(Effect.map((socket) => `127.0.0.1:${socket.address().port}`))

/** The question as an answer without records, with another response code. */
const echoed = (asked: Buffer, code: number): Buffer => {
  const answer = Buffer.from(asked)
  answer[2] = (answer[2] ?? 0) | 0x80
  answer[3] = code
  return answer
}

describe("DnsProbe", () => {
  it.live("names the response code, and passes over what is no answer to the question", () =>
    Effect.gen(function*() {
      const server = yield* udpServer((asked) => {
        const other = echoed(asked, 0)
        other[0] = (other[0] ?? 0) ^ 0xff
        return [Buffer.from("no"), asked, other, echoed(asked, 2)]
      })

      const result = yield* check({ name: "a.test", server })

      assert.deepInclude(result.document, { code: "SERVFAIL", error: "the server answers SERVFAIL, expected NOERROR" })
    }).pipe(Effect.scoped))

  it.live.each<readonly [string, (answer: Buffer) => Buffer, RegExp]>([
    ["cut off in its header", (answer) => answer.subarray(0, 7), /the answer is no DNS/],
    ["cut off in its question", (answer) => answer.subarray(0, 15), /the answer is no DNS/],
    ["with a name that points at itself", (answer) => {
      answer[12] = 0xc0
      answer[13] = 0x0c
      return answer
    }, /the answer is no DNS: .*pointer/],
    ["with more records than there are", (answer) => {
      answer.writeUInt16BE(0xffff, 6)
      return answer
    }, /the answer is no DNS|records that are none/],
    ["to another question", (answer) => {
      answer[13] = 0x7a
      return answer
    }, /the answer is to another question/]
  ])("says what is wrong with an answer %s", ([, change, words]) =>
    Effect.gen(function*() {
      const server = yield* udpServer((asked) => [change(echoed(asked, 0))])

      const result = yield* check({ name: "a.test", server })

      assert.isFalse(result.available)
      assert.match(String(result.document["error"]), words)
    }).pipe(Effect.scoped))

  it.live("ends in time with a server that is silent, drips, cuts off, resets or announces too much", () =>
    Effect.gen(function*() {
      const over = (serve: (socket: net.Socket) => void) =>
        Effect.map(listening(() => net.createServer(serve)), (server) => `127.0.0.1:${portOf(server)}`)
      const ask = (server: string) =>
        Effect.map(
          check({ name: "a.test", server, transport: "tcp", timeout: "400ms" }),
          ({ document }) => String(document["error"])
        )

      const drip = yield* over((socket) => {
        socket.write(Buffer.from([1, 0]))
        const timer = setInterval(() => socket.write("x"), 20)
        socket.on("close", () => clearInterval(timer))
      })
      const cut = yield* over((socket) => socket.end(Buffer.from([0, 100, 1, 2, 3])))
      const reset = yield* over((socket) => socket.once("data", () => socket.resetAndDestroy()))
      const large = yield* over((socket) => socket.write(Buffer.from([255, 255])))
      const silent = yield* udpServer(() => [])

      assert.match(yield* ask(drip), /timed out after 400ms/)
      assert.match(yield* ask(cut), /the peer closed the connection after 5 bytes of the answer/)
      assert.match(yield* ask(reset), /connection reset by the peer/)
      assert.match(yield* ask(large), /the answer has 65535 bytes, at most 16384 are read/)
      const nothing = yield* check({ name: "a.test", server: silent, timeout: "300ms" })
      assert.match(nothing.message, /timed out after 300ms/)
    }).pipe(Effect.scoped))

  it.live("asks no server that may not be probed", () =>
    Effect.gen(function*() {
      let asked = 0
      const server = yield* udpServer(() => {
        asked += 1
        return []
      })
      const config = AgentConfig.fromFile({ agent_id: "agent-1", probe_targets: { deny: ["127.0.0.0/8"] } })

      const result = yield* probe("dns", JSON.stringify({ name: "a.test", server }), { config })

      assert.match(result.message, /must not be probed from here/)
      assert.strictEqual(asked, 0)
    }).pipe(Effect.scoped))

  it.live("refuses what is no question", () =>
    Effect.gen(function*() {
      const refusals = yield* Effect.forEach(
        ["", "a b c", "a.test HINFO", "a.test A @", "{\"name\":\"a.test\",\"server\":\"x:99999\"}"],
        (details) => Effect.flip(probe("dns", details))
      )

      assert.deepStrictEqual(refusals.map(({ _tag }) => _tag), Array.from(refusals, () => "InvalidTarget"))
    }))
})
