/** Servers of SMTP and IMAP that speak TLS when they are asked to, with real certificates. */
import * as net from "node:net"
import * as tls from "node:tls"
import type { Issued } from "../../../support/authority.ts"
import { listening } from "../probing.ts"

/** What to answer to a line; `TLS` begins the handshake after the answer. */
type Answers = (line: string) => readonly [answer: string, then?: "TLS"]

const serving = (issued: Issued, greeting: string, answers: Answers) =>
  listening(() =>
    net.createServer((socket) => {
      socket.write(greeting)
      socket.on("data", function listen(part) {
        const [answer, then] = answers(part.toString("latin1").trimEnd())
        socket.write(answer)
        if (then === undefined) return
        socket.off("data", listen)
        const secured = new tls.TLSSocket(socket, { isServer: true, cert: issued.cert, key: issued.key })
        secured.on("error", () => {})
        secured.resume()
      })
    })
  )

export const smtp = (issued: Issued, features = ["SIZE 1000", "STARTTLS"], after = "") =>
  serving(issued, "220-mail.test ESMTP\r\n220 ready\r\n", (line) => {
    if (line.startsWith("EHLO ")) {
      const all = ["mail.test", ...features]
      return [all.map((one, index) => `250${index === all.length - 1 ? " " : "-"}${one}\r\n`).join("")]
    }
    return line === "STARTTLS" ? [`220 go ahead\r\n${after}`, "TLS"] : ["500 what?\r\n"]
  })

export const imap = (issued: Issued) =>
  serving(issued, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", (line) => {
    const [tag, command] = line.split(" ")
    return command === "STARTTLS" ? [`* still here\r\n${tag} OK go ahead\r\n`, "TLS"] : [`${tag} BAD\r\n`]
  })
