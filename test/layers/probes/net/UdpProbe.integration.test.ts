import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as dgram from "node:dgram"
import { probe } from "../probing.ts"

/** Answers a datagram with whatever this makes of it; nothing for undefined. */
const service = (answer: (asked: Buffer, count: number) => Uint8Array | string | undefined) =>
  Effect.acquireRelease(
    Effect.callback<dgram.Socket>((resume) => {
      const socket = dgram.createSocket("udp4")
      let count = 0
      socket.on("message", (asked, { address, port }) => {
        const made = answer(asked, ++count)
        if (made !== undefined) socket.send(made, port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
  ).pipe(Effect.map((socket) => `127.0.0.1:${socket.address().port}`))

describe("UdpProbe", () => {
  it.live("is up when the service answers, with what is expected", () =>
    Effect.gen(function*() {
      const address = yield* service((asked) => Buffer.concat([Buffer.from("VERSION "), asked]))

      const text = yield* probe("udp", JSON.stringify({ address, send: "1.0", expect: "^VERSION 1\\.0$" }))
      const hex = yield* probe("udp", JSON.stringify({ address, sendHex: "31 2e 30" }))
      const other = yield* probe("udp", JSON.stringify({ address, send: "2.0", expect: "^VERSION 1\\.0$" }))

      assert.deepInclude(text.document, { answer: "VERSION 1.0", bytes: 11, attempts: 1, address: "127.0.0.1" })
      assert.isTrue(hex.available)
      assert.strictEqual(hex.document["answer"], "VERSION 1.0")
      assert.isFalse(other.available)
      assert.include(other.message, "the answer does not match")
    }).pipe(Effect.scoped))

  it.live("asks again when a datagram gets lost", () =>
    Effect.gen(function*() {
      const address = yield* service((_, count) => count < 3 ? undefined : "here")

      const result = yield* probe("udp", JSON.stringify({ address, send: "there?", timeout: "1s" }))

      assert.isTrue(result.available, result.message)
      assert.strictEqual(result.document["attempts"], 3)
    }).pipe(Effect.scoped))

  it.live("says that nobody answers, or that the host refuses", () =>
    Effect.gen(function*() {
      const address = yield* service(() => undefined)

      const silent = yield* probe("udp", JSON.stringify({ address, send: "there?", timeout: "300ms" }))
      const refused = yield* probe("udp", JSON.stringify({ address: "127.0.0.1:1", send: "there?" }))

      assert.include(silent.message, "timed out after 300ms")
      assert.deepInclude(refused.document, { error: "UDP check of 127.0.0.1:1 failed: connection refused" })
    }).pipe(Effect.scoped))

  it.live("wants one datagram", () =>
    Effect.gen(function*() {
      const refusals = yield* Effect.forEach(
        [
          "127.0.0.1:53",
          "{\"address\":\"127.0.0.1:53\"}",
          "{\"address\":\"127.0.0.1:53\",\"send\":\"a\",\"sendHex\":\"61\"}",
          "{\"address\":\"127.0.0.1:53\",\"sendHex\":\"6\"}"
        ],
        (details) => Effect.flip(probe("udp", details))
      )

      assert.deepStrictEqual(refusals.map(({ _tag }) => _tag), Array.from(refusals, () => "InvalidTarget"))
      assert.include(refusals[1]?.message, "expected one of send and sendHex")
      assert.include(refusals[3]?.message, "bytes in hexadecimal")
    }))
})
