/**
 * The least of a NATS client: frames out, confirmations in, a window between them.
 *
 * It speaks the protocol itself, because a client library spends more on each message than the server does.
 */
import * as net from "node:net"

/** Of the stream's answers; a stream that refuses must be seen. */
const errorMark = Buffer.from("\"error\"")
const lineEnd = Buffer.from("\r\n")

export class NatsPipe {
  readonly #socket: net.Socket
  #rest: Buffer = Buffer.alloc(0)
  #wake: (() => void) | undefined
  sent = 0
  confirmed = 0
  problem: string | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on("data", (chunk) => this.#read(chunk))
    socket.on("error", (error) => this.#fail(error.message))
    socket.on("close", () => this.#fail("the server closed the connection"))
  }

  static connect(url: string, reply: string): Promise<NatsPipe> {
    const { hostname, password, port, username } = new URL(url)
    const login = username === "" ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
    const options = {
      verbose: false,
      protocol: 1,
      headers: true,
      no_responders: true,
      name: "bench-publisher",
      ...login
    }
    return new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), hostname)
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        socket.write(`CONNECT ${JSON.stringify(options)}\r\nSUB ${reply} 1\r\nPING\r\n`)
        resolve(new NatsPipe(socket))
      })
    })
  }

  /** The bytes must not be touched afterwards. */
  send(bytes: Buffer, messages: number): void {
    this.sent += messages
    this.#socket.write(bytes)
  }

  /** Until no more than this many messages are without an answer. */
  async settle(inFlightMax: number): Promise<void> {
    while (this.sent - this.confirmed > inFlightMax) {
      if (this.problem !== undefined) throw new Error(this.problem)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.problem !== undefined) throw new Error(this.problem)
  }

  close(): void {
    this.#socket.removeAllListeners("close")
    this.#socket.destroy()
  }

  #fail(problem: string): void {
    this.problem ??= problem
    this.#wake?.()
  }

  #read(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const end = data.indexOf(lineEnd, at)
      if (end < 0) break
      const line = data.toString("latin1", at, end)
      const next = this.#line(line, data, end + 2)
      if (next === undefined) break
      at = next
    }
    this.#rest = data.subarray(at)
    this.#wake?.()
  }

  /** Where the next line begins, or nothing when the message has not arrived whole. */
  #line(line: string, data: Buffer, start: number): number | undefined {
    if (line.startsWith("MSG ")) {
      const end = start + Number(line.slice(line.lastIndexOf(" ") + 1))
      if (end + 2 > data.length) return undefined
      this.confirmed += 1
      const answer = data.subarray(start, end)
      if (answer.includes(errorMark)) this.#fail(`the stream refused a message: ${answer.toString()}`)
      return end + 2
    }
    if (line.startsWith("HMSG ")) this.#fail("no stream takes this subject")
    else if (line.startsWith("-ERR")) this.#fail(line)
    else if (line === "PING") this.#socket.write("PONG\r\n")
    return start
  }
}
