/** What a browser is answered: pages with the cookies of their forms, failures in words, and the cookie of a session. */
import { Duration, Effect } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Page } from "../../domain/identity/pages/Page.ts"
import * as SignInPages from "../../domain/identity/pages/SignInPages.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type { PasswordsBusy } from "../../services/identity/Passwords.ts"
import type { SignInRefused, TooManyAttempts } from "../../services/identity/SignIns.ts"
import type { NotSignedIn } from "../../services/records/Askers.ts"
import type { ReadError, WriteError } from "../../services/records/Records.ts"
import type { SigningFailed, TokenRefused } from "./AccessTokens.ts"
import * as Cookies from "./Cookies.ts"
import * as PageAnswers from "./PageAnswers.ts"
import type { ProviderFailed } from "./providers/Providers.ts"
import * as Secrets from "./Secrets.ts"
import * as Sessions from "./Sessions.ts"
import * as Visit from "./Visit.ts"

export type Failure =
  | NotSignedIn
  | SignInRefused
  | TooManyAttempts
  | PasswordsBusy
  | ReadError
  | WriteError
  | Visit.NotOurForm
  | ProviderFailed
  | SigningFailed
  | TokenRefused

interface Said {
  readonly status: number
  readonly words: string
  readonly retryAfterSeconds?: number
}

export const said = (error: Failure): Said => {
  switch (error._tag) {
    case "SignInRefused":
      return { status: 401, words: "This did not work: the name or the password is wrong, or it was wrong too often." }
    case "TooManyAttempts":
      return {
        status: 429,
        words: "Too many attempts: wait a little.",
        retryAfterSeconds: error.retryAfterSeconds
      }
    case "NotSignedIn":
    case "TokenRefused":
      return { status: 401, words: "You are not signed in." }
    case "NotOurForm":
      return { status: 403, words: "The form was open for too long, or your browser takes no cookies: try again." }
    case "PasswordsBusy":
    case "RecordsUnavailable":
      return { status: 503, words: "This is not possible at the moment: try again soon.", retryAfterSeconds: 2 }
    default:
      return { status: 500, words: "Something went wrong; the log of core has the reason." }
  }
}

export const formOf = (visit: Visit.Visit, to: string | null = null): SignInPages.Form => ({
  token: Cookies.formToken(visit.formCookie),
  to: Visit.destination(to)
})

/** With a form's cookie where the browser had none. */
export const shown = (
  { cookies, formCookie, hasFormCookie }: Visit.Visit,
  page: Page,
  { retryAfterSeconds, status = 200 }: Partial<Said> = {}
) => {
  const plain = PageAnswers.page(page, status, cookies)
  const answer = retryAfterSeconds === undefined
    ? plain
    : HttpServerResponse.setHeader(plain, "retry-after", `${retryAfterSeconds}`)
  return hasFormCookie ? answer : Cookies.set(answer, "form", formCookie, cookies)
}

export const failed = (visit: Visit.Visit, error: Failure) =>
  shown(visit, SignInPages.refused("Sign in", said(error).words), said(error))

/** Who has signed in with this browser. */
export const sessionOf = Effect.fnUntraced(function*({ cookies, origin: { requestId }, request }: Visit.Visit) {
  const session = yield* Sessions.ofSecret(Cookies.read(request.headers, "session", cookies) ?? "", requestId)
  return { session, ...yield* Sessions.personOf(session, requestId) }
})

/** A new session, whatever the browser had before, which ends. */
export const begun = Effect.fnUntraced(function*(visit: Visit.Visit, user: Stored, to: string) {
  const { cookies, origin } = visit
  const before = yield* Effect.option(sessionOf(visit))
  if (before._tag === "Some") yield* Effect.ignore(Sessions.end(before.value.session, before.value.asker))
  const secret = Secrets.random()
  yield* Sessions.begin({ ...origin, user, kind: "browser", secret, life: Sessions.life })
  const answer = PageAnswers.elsewhere(Visit.destination(to), cookies)
  const maxAgeSeconds = Duration.toSeconds(Sessions.life)
  return Cookies.forget(Cookies.set(answer, "session", secret, { ...cookies, maxAgeSeconds }), "form", cookies)
})

type Answer = HttpServerResponse.HttpServerResponse

/** With an answer for whatever went wrong; the log has what is a fault of this program. */
export const recovered = <R>(
  visit: Visit.Visit,
  effect: Effect.Effect<Answer, Failure, R>,
  answer: (error: Failure) => Answer
): Effect.Effect<Answer, never, R> =>
  effect.pipe(
    Effect.tapError((error) =>
      said(error).status === 500
        ? Effect.logError(`Request ${visit.origin.requestId}: ${error.message}`)
        : Effect.void
    ),
    Effect.catch((error) => Effect.succeed(answer(error)))
  )
