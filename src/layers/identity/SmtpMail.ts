/** Mail by SMTP, with nodemailer: `smtp://host:25`, `smtps://user:password@host`. The library is loaded with the first mail. */
import { Duration, Effect, Layer, Redacted } from "effect"
import { Mail, MailError } from "../../services/identity/Mail.ts"

export interface SmtpOptions {
  /** May hold a password. */
  readonly url: Redacted.Redacted
  readonly from: string
}

const limit = Duration.seconds(20)
const silence = Duration.toMillis(Duration.seconds(10))

/** What 4yz says of an answer, and having none. */
const mayPass = (cause: unknown): boolean => {
  const code: unknown = typeof cause === "object" && cause !== null ? Reflect.get(cause, "responseCode") : undefined
  return typeof code !== "number" || (code >= 400 && code < 500)
}

const library = Effect.promise(() => import("nodemailer"))

export const layer = ({ from, url }: SmtpOptions): Layer.Layer<Mail> =>
  Layer.effect(
    Mail,
    Effect.map(Effect.cached(library), (loaded) =>
      Mail.of({
        isThere: true,
        send: Effect.fn("SmtpMail.send")(function*({ subject, text, to }) {
          const { createTransport } = yield* loaded
          yield* Effect.acquireUseRelease(
            Effect.sync(() =>
              createTransport({
                url: Redacted.value(url),
                connectionTimeout: silence,
                greetingTimeout: silence,
                socketTimeout: silence,
                disableFileAccess: true,
                disableUrlAccess: true
              })
            ),
            (transport) =>
              Effect.tryPromise({
                try: () =>
                  transport.sendMail({ from, to: { name: "", address: to }, subject, text: Redacted.value(text) }),
                catch: (cause) =>
                  new MailError({
                    mayPass: mayPass(cause),
                    detail: cause instanceof Error ? cause.message : String(cause)
                  })
              }),
            (transport) => Effect.sync(() => transport.close())
          ).pipe(
            Effect.timeoutOrElse({
              duration: limit,
              orElse: () =>
                Effect.fail(new MailError({ mayPass: true, detail: `no answer within ${Duration.format(limit)}` }))
            })
          )
        })
      }))
  )
