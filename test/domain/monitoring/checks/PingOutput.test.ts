import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { complaint, parseFping, parsePing } from "../../../../src/domain/monitoring/checks/PingOutput.ts"
import type { Ping } from "../../../../src/domain/monitoring/checks/ProbeResult.ts"

const iputils = `PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.
64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.041 ms

--- 127.0.0.1 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.041/0.041/0.041/0.000 ms
`
const iputilsLost = `PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.

--- 192.0.2.1 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms
`
const busybox = `PING 127.0.0.1 (127.0.0.1): 56 data bytes
64 bytes from 127.0.0.1: seq=0 ttl=64 time=0.083 ms

--- 127.0.0.1 ping statistics ---
1 packets transmitted, 1 packets received, 0% packet loss
round-trip min/avg/max = 0.083/0.083/0.083 ms
`

/** iputils 20221126. */
const iputilsIpv6 = `PING ::1(::1) 56 data bytes
64 bytes from ::1: icmp_seq=1 ttl=64 time=0.120 ms

--- ::1 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.120/0.120/0.120/0.000 ms
`
/** fping 5.1, both streams together. */
const fpingReply = `127.0.0.1 : [0], 64 bytes, 0.018 ms (0.018 avg, 0% loss)

127.0.0.1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = 0.018/0.018/0.018
`
const fpingUnreachable = `10.255.255.1 : [0], timed out (NaN avg, 100% loss)
ICMP Port Unreachable from 192.0.2.75 for ICMP Echo sent to 10.255.255.1

10.255.255.1 : xmt/rcv/%loss = 1/0/100%
`
const fpingUnknown = "no-such-host.invalid: Name or service not known\n"

/** Round trip and loss alone. */
const summary = (ping: Option.Option<Ping>) =>
  Option.map(ping, ({ packetLoss, roundTripNanos }) => ({ packetLoss, roundTripNanos }))
const some = (roundTripNanos: bigint, packetLoss: number) => Option.some({ packetLoss, roundTripNanos })

describe("PingOutput", () => {
  it("reads what was recorded from iputils 20221126 and fping 5.1", () => {
    assert.deepStrictEqual(summary(parsePing(iputilsIpv6)), some(120_000n, 0))
    assert.deepStrictEqual(summary(parseFping(fpingReply)), some(18_000n, 0))
    assert.deepStrictEqual(summary(parseFping(fpingUnreachable)), some(0n, 100))
    assert.deepStrictEqual(summary(parseFping(fpingUnknown)), Option.none())
    assert.strictEqual(complaint(fpingUnknown), fpingUnknown.trim())
  })

  it("reads iputils", () => assert.deepStrictEqual(summary(parsePing(iputils)), some(41_000n, 0)))

  it("reads busybox", () => assert.deepStrictEqual(summary(parsePing(busybox)), some(83_000n, 0)))

  it("reads a lost request", () => assert.deepStrictEqual(summary(parsePing(iputilsLost)), some(0n, 100)))

  it("reads fping's answer and its silence", () => {
    assert.deepStrictEqual(
      summary(parseFping("127.0.0.1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = 0.03/0.03/0.03\n")),
      some(30_000n, 0)
    )
    assert.deepStrictEqual(
      summary(parseFping("192.0.2.1 : xmt/rcv/%loss = 1/0/100%\n")),
      some(0n, 100)
    )
  })

  it.each<readonly [string, number, bigint]>([
    [
      "64 bytes from 192.0.2.7: icmp_seq=1 ttl=64 time=1.0 ms\n" +
      "64 bytes from 192.0.2.7: icmp_seq=1 ttl=64 time=9.0 ms (DUP!)\n" +
      "3 packets transmitted, 1 received, +1 duplicates, 66.6667% packet loss, time 2ms",
      66.67,
      1_000_000n
    ],
    [
      "64 bytes from 192.0.2.7: seq=0 ttl=64 time=1.0 ms\n64 bytes from 192.0.2.7: seq=0 ttl=64 time=9.0 ms (DUP!)\n" +
      "1 packets transmitted, 1 packets received, 1 duplicates, 0% packet loss",
      0,
      1_000_000n
    ],
    [
      "64 bytes: icmp_seq=0 time=1 ms\n5 packets transmitted, 6 packets received, -- somebody's printing up packets!",
      0,
      1_000_000n
    ],
    ["3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2040ms", 100, 0n]
  ])("counts each request once in %j", (output, packetLoss, roundTripNanos) => {
    assert.deepStrictEqual(summary(parsePing(output)), some(roundTripNanos, packetLoss))
  })

  it.each<readonly [string, number]>([
    ["h : [0], 64 bytes, 0.3 ms (0.3 avg, 0% loss)\nh : xmt/rcv/%return = 1/2/200%, min/avg/max = 0.3/0.36/0.42", 0],
    ["h : xmt/rcv/%loss = 5/6/120%, min/avg/max = 0.25/0.35/0.53", 0],
    [
      "h : [0], 64 bytes, 1 ms (1 avg, 0% loss)\nh : duplicate for [0], 64 bytes, 2 ms\n" +
      "h : xmt/rcv/%loss = 3/2/33%, min/avg/max = 1/1.5/2",
      66.67
    ]
  ])("reads duplicates of fping in %j", (output, packetLoss) => {
    assert.strictEqual(Option.getOrThrow(parseFping(output)).packetLoss, packetLoss)
  })

  it("has the round trip of each request that was answered", () => {
    const three = "64 bytes: icmp_seq=1 ttl=64 time=0.5 ms\n64 bytes: icmp_seq=3 ttl=64 time=1.5 ms\n" +
      "3 packets transmitted, 2 received, 33% packet loss"

    assert.deepInclude(Option.getOrThrow(parsePing(three)), {
      sent: 3,
      received: 2,
      roundTripsNanos: [500_000, 1_500_000]
    })
    assert.deepInclude(Option.getOrThrow(parseFping(fpingReply)), { sent: 1, received: 1, roundTripsNanos: [18_000] })
  })

  it("finds no statistics where nothing was sent, but the complaint", () => {
    const output = "ping: nope.invalid: Name or service not known\n"

    assert.deepStrictEqual(summary(parsePing(output)), Option.none())
    assert.strictEqual(complaint(output), "ping: nope.invalid: Name or service not known")
  })
})
