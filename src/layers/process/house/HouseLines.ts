/**
 * Messages as lines of JSON over one socket, for a process that runs code of others: that may write to any file of its process, this
 * one too. Node's own channel throws at what is no message, where nobody can catch it, and the process that reads ends with it. Here
 * such a line is passed over, and one without an end is the end of the socket.
 *
 * Nothing of Effect: the process of the plugins has only what it needs.
 */
import type { Socket } from "node:net"

/** Of one message in characters, several times the largest answer of a plugin. */
const lineMax = 32 * 1_048_576

const messageOf = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** `ended` is called once, after which nothing is heard. */
export const read = (socket: Socket, heard: (message: unknown) => void, ended: (reason: string) => void): void => {
  let begun: Array<string> = []
  let length = 0
  const take = (part: string) => {
    begun.push(part)
    length += part.length
  }
  socket.setEncoding("utf8")
  socket.on("data", (text: string) => {
    const [first = "", ...others] = text.split("\n")
    take(first)
    for (const next of others) {
      const message = messageOf(begun.join(""))
      begun = []
      length = 0
      take(next)
      if (message !== undefined) heard(message)
    }
    if (length > lineMax) socket.destroy(new Error(`it said more than ${lineMax} characters without an end`))
  })
  let failure = "its pipe was closed"
  socket.on("error", ({ message }) => {
    failure = message
  })
  socket.on("close", () => ended(failure))
}

export const write = (socket: Socket, message: object): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}
