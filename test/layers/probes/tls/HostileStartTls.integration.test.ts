/** Servers that behave until a stage of STARTTLS and turn hostile there: SMTP, IMAP and PostgreSQL, up to the handshake. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import { listening, portOf, probe } from "../probing.ts"

/** What a server says at each stage, the first unasked for where it has a greeting. The handshake comes after the last. */
const stages = {
  smtp: ["220 mail.test ready\r\n", "250-mail.test\r\n250 STARTTLS\r\n", "220 go ahead\r\n"],
  imap: ["* OK ready\r\n", "a1 OK go ahead\r\n"],
  postgres: ["", "S"]
} as const

type Protocol = keyof typeof stages

/** It takes what of it is left; the check closes the connection. */
const flood = (socket: net.Socket, part: Buffer) => {
  const write = () => {
    while (socket.write(part));
  }
  socket.on("drain", write)
  write()
}

/** A line of no protocol, and no record of TLS. */
const noise = Buffer.from([1, 2, 3, 255, 254, 128, 0, 7, 13, 10])

/** Those that say nothing whole: their time limit ends the check. The others end it by themselves, long before theirs. */
const silent = ["never answers", "drips a byte at a time"]

const turns: Readonly<Record<string, (socket: net.Socket) => void>> = {
  "never answers": () => {},
  "drips a byte at a time": (socket) => {
    const timer = setInterval(() => socket.write("2"), 5)
    socket.on("close", () => clearInterval(timer))
  },
  "answers with noise": (socket) => void socket.write(noise),
  "answers with an enormous banner": (socket) => flood(socket, Buffer.from("220-250-* S more of it\r\n".repeat(4_000))),
  "answers with an enormous line": (socket) => flood(socket, Buffer.alloc(65_536, "2")),
  resets: (socket) => socket.resetAndDestroy()
}

const serverOf = (protocol: Protocol, hostileAt: number, turn: string) =>
  listening(() =>
    net.createServer((socket) => {
      let stage = 0
      const next = () => {
        const at = stage++
        if (at === hostileAt) turns[turn]?.(socket)
        else socket.write(stages[protocol][at] ?? "")
      }
      next()
      socket.on("data", () => {
        // Once hostile it listens to nothing any more.
        if (stage <= hostileAt) next()
      })
    })
  )

const cases = Object.entries(stages).flatMap(([protocol, said]) =>
  [...said, "the handshake"].flatMap((text, at) =>
    // boundary: a key of `stages`.
    text === "" ? [] : [{ protocol: protocol as Protocol, at, in: text.trim().replaceAll("\r\n", ", ") }]
  )
)

describe("A server that turns hostile in STARTTLS", () => {
  it.live.each(Object.keys(turns))(
    "is not available, says why and is not waited for: one that %s",
    (turn) =>
      Effect.gen(function*() {
        const timeout = silent.includes(turn) ? "700ms" : "15s"
        const results = yield* Effect.forEach(cases, (one) =>
          Effect.gen(function*() {
            const server = yield* serverOf(one.protocol, one.at, turn)
            const details = { address: `127.0.0.1:${portOf(server)}`, startTls: one.protocol, timeout }
            return { ...one, ...(yield* probe("tls", JSON.stringify(details))) }
          }), { concurrency: "unbounded" })
        for (const { available, document, in: stage, message, protocol } of results) {
          const where = `${protocol} at ${stage}: ${message}`
          const error = String(document["error"])
          assert.isFalse(available, where)
          assert.notInclude(error, "broke", where)
          assert.isBelow(message.length, 2_000, where)
          if (turn === "never answers") assert.include(error, "timed out", where)
          else if (!silent.includes(turn)) assert.notInclude(error, "timed out", where)
        }
      }).pipe(Effect.scoped)
  )
})
