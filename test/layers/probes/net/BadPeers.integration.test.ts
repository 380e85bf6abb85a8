/** Every kind of check that opens a connection, against peers that do what no peer should: one agent, all at once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as crypto from "node:crypto"
import * as net from "node:net"
import { listening, portOf, probe } from "../probing.ts"

const flood = (socket: net.Socket) => {
  const part = crypto.randomBytes(65_536)
  const write = () => {
    while (socket.write(part));
  }
  socket.on("drain", write)
  write()
}

const drip = (byte: () => Uint8Array | string) => (socket: net.Socket) => {
  const timer = setInterval(() => socket.write(byte()), 5)
  socket.on("close", () => clearInterval(timer))
}

const peers: Readonly<Record<string, (socket: net.Socket) => void>> = {
  "closes at once": (socket) => socket.end(),
  "resets at once": (socket) => socket.resetAndDestroy(),
  "resets when it is asked": (socket) => void socket.once("data", () => socket.resetAndDestroy()),
  "says nothing": () => {},
  "says one byte": (socket) => socket.write("2"),
  "ends in the middle of a line": (socket) => socket.end("220-half of"),
  "floods with noise": flood,
  "drips noise": drip(() => crypto.randomBytes(1)),
  "drips a line without end": drip(() => "x"),
  "answers with zeros": (socket) => void socket.write(Buffer.alloc(70_000)),
  "begins a TLS record and stops": (socket) => socket.write(Buffer.from([22, 3, 3, 255, 255, 2])),
  "answers with lines without end": drip(() => "250-more\r\n* more\r\n")
}

const kinds = (address: string): ReadonlyArray<readonly [type: string, details: object]> => [
  ["tcp", { address, send: "x", expect: "^never said$" }],
  ["tls", { address }],
  ["tls", { address, startTls: "smtp" }],
  ["tls", { address, startTls: "imap" }],
  ["tls", { address, startTls: "postgres" }],
  ["http", { url: `http://${address}/`, bodyMatch: "never said" }],
  ["http", { url: `https://${address}/` }],
  ["dns", { name: "a.test", server: address, transport: "tcp" }]
]

describe("A check of a bad peer", () => {
  it.live.each(Object.keys(peers))(
    "is not available, says why, and touches no other: one that %s",
    (name) =>
      Effect.gen(function*() {
        const server = yield* listening(() => net.createServer((socket) => peers[name]?.(socket)))
        const good = yield* listening(() => net.createServer((socket) => socket.write("220 here\r\n")))
        const neighbour = probe("tcp", JSON.stringify({ address: `127.0.0.1:${portOf(good)}`, expect: "^220" }))

        const [results, others] = yield* Effect.all([
          Effect.forEach(
            kinds(`127.0.0.1:${portOf(server)}`),
            ([type, details]) =>
              Effect.map(
                probe(type, JSON.stringify({ ...details, timeout: "700ms" })),
                (result) => ({ type, ...result })
              ),
            { concurrency: "unbounded" }
          ),
          Effect.forEach(Array.from({ length: 5 }), () => neighbour)
        ], { concurrency: "unbounded" })

        for (const { available, document, message, type } of results) {
          assert.isFalse(available, `${type}: ${message}`)
          assert.isAbove(String(document["error"]).length, 10, type)
          assert.isBelow(message.length, 8_000, type)
        }
        assert.isTrue(others.every(({ available }) => available))
      }).pipe(Effect.scoped)
  )
})
