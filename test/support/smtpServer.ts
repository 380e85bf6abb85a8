/** A real SMTP server that keeps what it gets, and can be told to refuse for a while. */
import { Effect } from "effect"
import { SMTPServer } from "smtp-server"

export interface Received {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly text: string
}

export interface SmtpServer {
  readonly port: number
  readonly received: ReadonlyArray<Received>
  /** How many of the next mails it does not take, with a code that says to come again. */
  refuse: number
}

/** Of a body in quoted-printable. */
const decoded = (text: string): string =>
  text.replaceAll(/=\r?\n/g, "").replaceAll(
    /=([0-9A-F]{2})/g,
    (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))
  )

export const start = Effect.acquireRelease(
  Effect.callback<SmtpServer & { readonly close: Effect.Effect<void> }>((resume) => {
    const received: Array<Received> = []
    const state = { refuse: 0 }
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onData: (stream, session, done) => {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk: Buffer) => chunks.push(chunk))
        stream.on("end", () => {
          if (state.refuse > 0) {
            state.refuse -= 1
            return done(Object.assign(new Error("try again later"), { responseCode: 451 }))
          }
          const { mailFrom, rcptTo } = session.envelope
          received.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            text: decoded(Buffer.concat(chunks).toString("utf8"))
          })
          done()
        })
      }
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.server.address()
      resume(Effect.succeed({
        port: typeof address === "object" && address !== null ? address.port : 0,
        received,
        get refuse() {
          return state.refuse
        },
        set refuse(count: number) {
          state.refuse = count
        },
        close: Effect.callback<void>((closed) => server.close(() => closed(Effect.void)))
      }))
    })
  }),
  ({ close }) => close
)
