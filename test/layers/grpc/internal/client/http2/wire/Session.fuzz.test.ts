/** A session with a peer that says anything at all: every call ends once, and nothing is thrown. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as net from "node:net"
import { setImmediate as turn } from "node:timers/promises"
import * as Frame from "../../../../../../../src/layers/grpc/internal/client/http2/wire/Frame.ts"
import { Session } from "../../../../../../../src/layers/grpc/internal/client/http2/wire/Session.ts"
import { mutations } from "../../../../../../support/mutations.ts"

const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(Frame.headBytes + payload.length)
  bytes.set(payload, Frame.writeHead(bytes, 0, { type, flags, stream, length: payload.length }))
  return bytes
}

const { endHeaders, endStream } = Frame.flag

/** Headers, data and trailers of a call, in frames of any form. */
const anyFrame = fc.oneof(
  fc.record({
    type: fc.nat({ max: 12 }),
    flags: fc.nat({ max: 255 }),
    stream: fc.nat({ max: 9 }),
    payload: fc.uint8Array({ maxLength: 40 })
  }).map(({ flags, payload, stream, type }) => frame(type, flags, stream, payload)),
  fc.constantFrom(1, 3, 5).chain((stream) =>
    fc.constantFrom(
      frame(Frame.type.headers, endHeaders, stream, Buffer.from([0x88])),
      frame(Frame.type.headers, endHeaders | endStream, stream, Buffer.from([0x88])),
      frame(Frame.type.data, 0, stream, Buffer.from("some bytes")),
      frame(Frame.type.data, endStream, stream, Buffer.alloc(0)),
      Frame.rstStream(stream, 8),
      Frame.windowUpdate(stream, 1_000)
    )
  ),
  fc.constantFrom(
    Frame.settings([[Frame.setting.maxConcurrentStreams, 1]]),
    Frame.settings([[Frame.setting.initialWindowSize, 0]]),
    Frame.windowUpdate(0, 1_000),
    Frame.ping(Buffer.alloc(8), false),
    Frame.goaway(0)
  )
)

const headers = { ":method": "POST", ":path": "/a/b", te: "trailers" }

/** How often each of three calls ended, and whether one was told of anything after that. */
const told = async (pieces: ReadonlyArray<Buffer>) => {
  const session = new Session(new net.Socket())
  const calls = [1, 2, 3].map(() => ({ ends: 0, isToldLate: false }))
  for (const call of calls) {
    const note = () => {
      call.isToldLate ||= call.ends > 0
    }
    session.request(headers, Buffer.alloc(100), {
      headers: note,
      data: note,
      closed: () => {
        call.ends += 1
      }
    })
  }
  for (const piece of pieces) session.receive(piece)
  await turn()
  session.destroy()
  return calls
}

describe("A session of HTTP/2", () => {
  it("ends each call once, whatever the peer says", () =>
    fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 30 }), fc.nat({ max: 50 }), async (frames, size) => {
        const all = Buffer.concat([Frame.settings([]), ...frames])
        const pieces: Array<Buffer> = []
        for (let at = 0; at < all.length; at += size + 1) pieces.push(all.subarray(at, at + size + 1))
        assert.deepStrictEqual(
          await told(pieces),
          [1, 2, 3].map(() => ({ ends: 1, isToldLate: false }))
        )
      }),
      { numRuns: mutations }
    ), 600_000)

  it("of a peer that does not speak it is none", async () => {
    const calls = await told([Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")])
    assert.deepStrictEqual(calls.map(({ ends }) => ends), [1, 1, 1])
  })
})
