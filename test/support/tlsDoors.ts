/** What a server does with a client's certificate, seen from outside, and who is connected to it. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as tls from "node:tls"
import type { Issued } from "./authority.ts"

/** How a protocol comes to TLS, and how its server shows that it took the client's certificate. */
interface Protocol {
  /** Said before TLS, and the beginning of the answer to it; none of it where TLS comes first. */
  readonly before?: { readonly say?: Buffer; readonly hear: RegExp }
  /** Said inside TLS. TLS 1.3 tells of a refusal only after the handshake, so an answer is waited for. */
  readonly hello?: Buffer
  readonly taken: RegExp
  readonly alpn?: string
}

const pgStartup = (): Buffer => {
  const words = Buffer.from("user\0serviceradar\0database\0serviceradar\0\0")
  const head = Buffer.alloc(8)
  head.writeUInt32BE(words.length + 8, 0)
  head.writeUInt32BE(196_608, 4)
  return Buffer.concat([head, words])
}

export const protocols = {
  grpc: { taken: /^/, alpn: "h2" },
  nats: {
    before: { hear: /^INFO / },
    hello: Buffer.from("CONNECT {\"verbose\":false}\r\nPING\r\n"),
    taken: /PONG/
  },
  // SSLRequest is answered with S; an R asks for the password.
  postgres: {
    before: { say: Buffer.from("0000000804d2162f", "hex"), hear: /^S/ },
    hello: pgStartup(),
    taken: /^R/
  }
} as const satisfies Readonly<Record<string, Protocol>>

export interface Door {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
}

export interface Answer {
  readonly outcome: "let in" | "refused"
  /** Of the certificate that the server showed. */
  readonly serial: string
  /** Why not. */
  readonly reason: string
}

const secured = (raw: net.Socket, { protocol }: Door, { cert, key }: Issued, tell: (answer: Answer) => void) => {
  const alpn = protocol.alpn === undefined ? {} : { ALPNProtocols: [protocol.alpn] }
  const socket = tls.connect({ socket: raw, cert, key, rejectUnauthorized: false, ...alpn })
  let serial = ""
  let heard = ""
  const refuse = (reason: string) => tell({ outcome: "refused", serial, reason })
  socket.once("secureConnect", () => {
    serial = socket.getPeerCertificate().serialNumber
    if (protocol.hello !== undefined) socket.write(protocol.hello)
  })
  socket.on("data", (chunk: Buffer) => {
    heard += chunk.toString("latin1")
    if (protocol.taken.test(heard)) tell({ outcome: "let in", serial, reason: "" })
  })
  socket.once("error", (error) => refuse(error.message))
  socket.once("close", () => refuse(heard || "closed"))
}

/** Asks for entry with this certificate. A server that says nothing at all fails the effect. */
export const knock = (door: Door, issued: Issued) =>
  Effect.callback<Answer>((resume) => {
    const raw = net.connect(door.port, "127.0.0.1")
    const tell = (answer: Answer) => {
      raw.destroy()
      resume(Effect.succeed(answer))
    }
    const { before } = door.protocol
    const secure = () => secured(raw, door, issued, tell)
    raw.once("error", (error) => tell({ outcome: "refused", serial: "", reason: error.message }))
    if (before === undefined) raw.once("connect", secure)
    else {
      if ("say" in before && before.say !== undefined) raw.write(before.say)
      raw.once("data", (chunk: Buffer) => {
        if (before.hear.test(chunk.toString("latin1"))) secure()
        else tell({ outcome: "refused", serial: "", reason: `unexpected: ${chunk.toString("latin1")}` })
      })
    }
    return Effect.sync(() => raw.destroy())
  }).pipe(Effect.timeout("5 seconds"))

/** The client's ports of the connections to a port of the loopback that are open now. */
export const connectionsTo = async (port: number): Promise<ReadonlySet<number>> => {
  const found = new Set<number>()
  const table = await fs.readFile("/proc/net/tcp", "utf8")
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", remote = "", state] = line.trim().split(/\s+/)
    const portOf = (address: string) => Number.parseInt(address.split(":")[1] ?? "", 16)
    if (state === "01" && portOf(remote) === port) found.add(portOf(local))
  }
  return found
}
