/** The page of whoever has signed in: to sign out, and to set a password. */
import { Effect, Redacted } from "effect"
import * as AccountPages from "../../domain/identity/pages/AccountPages.ts"
import * as Password from "../../domain/identity/Password.ts"
import { User } from "../../domain/identity/User.ts"
import { system } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import { Passwords } from "../../services/identity/Passwords.ts"
import { SignIns } from "../../services/identity/SignIns.ts"
import { Records } from "../../services/records/Records.ts"
import { begun, failed, formOf, recovered, said, sessionOf, shown } from "./BrowserAnswers.ts"
import * as Cookies from "./Cookies.ts"
import * as PageAnswers from "./PageAnswers.ts"
import * as Sessions from "./Sessions.ts"
import * as SignInLinks from "./SignInLinks.ts"
import * as Visit from "./Visit.ts"

const accountOf = (visit: Visit.Visit, { values }: Stored): AccountPages.Account => ({
  name: String(values["email"]),
  role: values["isSuperUser"] === true ? "super user" : String(values["role"]),
  token: formOf(visit).token,
  hasPassword: values["hashedPassword"] !== null,
  ...(visit.url.searchParams.has("saved") ? { notice: "Your password is saved." } : {})
})

const toSignIn = ({ cookies, url }: Visit.Visit) =>
  PageAnswers.elsewhere(`/auth/sign-in?to=${encodeURIComponent(url.pathname)}`, cookies)

export const page = Effect.fn("AccountRoutes.page")(
  function*(visit: Visit.Visit) {
    const { user } = yield* sessionOf(visit)
    return shown(visit, AccountPages.account(accountOf(visit, user)))
  },
  (effect, visit) =>
    recovered(visit, effect, (error) => error._tag === "NotSignedIn" ? toSignIn(visit) : failed(visit, error))
)

/** For scripts of a page: who has signed in, and what a change by cookie shows as `x-csrf-token`. */
export const status = Effect.fn("AccountRoutes.status")(
  function*(visit: Visit.Visit) {
    const { user: { values } } = yield* sessionOf(visit)
    const cookie = Cookies.read(visit.request.headers, "session", visit.cookies) ?? ""
    const body = {
      signed_in: true,
      name: values["email"],
      role: values["role"],
      csrf_token: Cookies.formToken(cookie)
    }
    return PageAnswers.json(body, 200, visit.cookies)
  },
  (effect, visit) =>
    recovered(visit, effect, (error) =>
      error._tag === "NotSignedIn"
        ? PageAnswers.json({ signed_in: false }, 200, visit.cookies)
        : failed(visit, error))
)

export const signOut = Effect.fn("AccountRoutes.signOut")(
  function*(visit: Visit.Visit) {
    const { cookies } = visit
    yield* Visit.form(visit)
    const { asker, session } = yield* sessionOf(visit)
    yield* Sessions.end(session, asker)
    return Cookies.forget(
      Cookies.forget(PageAnswers.elsewhere("/auth/sign-in", cookies), "session", cookies),
      "form",
      cookies
    )
  },
  (effect, visit) =>
    recovered(
      visit,
      effect,
      (error) =>
        error._tag === "NotSignedIn" ? Cookies.forget(toSignIn(visit), "session", visit.cookies) : failed(visit, error)
    )
)

const problemOf = (fields: URLSearchParams): string | undefined => {
  const password = fields.get("password") ?? ""
  const problem = Password.problem(password)
  if (problem !== undefined) return `The new password ${problem}.`
  return password === fields.get("repeated") ? undefined : "The new password is not the same both times."
}

/** All sign-ins of the user end, this one's too, for which there is a new one. */
export const setPassword = Effect.fn("AccountRoutes.setPassword")(
  function*(visit: Visit.Visit) {
    const fields = yield* Visit.form(visit)
    const { asker, user } = yield* sessionOf(visit)
    const refused = (problem: string, status: number) =>
      shown(visit, AccountPages.account({ ...accountOf(visit, user), problem }), { status })
    const problem = problemOf(fields)
    if (problem !== undefined) return refused(problem, 422)
    if (user.values["hashedPassword"] !== null) {
      const signIns = yield* SignIns
      const password = Redacted.make(fields.get("current") ?? "")
      const proven = yield* Effect.result(
        signIns.withPassword({ ...visit.origin, name: String(user.values["email"]), password, known: user })
      )
      if (proven._tag === "Failure") {
        return proven.failure._tag === "SignInRefused"
          ? refused("The password until now is not this one, or was wrong too often.", 401)
          : refused(said(proven.failure).words, said(proven.failure).status)
      }
    }
    const passwords = yield* Passwords
    const records = yield* Records
    const changed = yield* records.write({
      definition: User.definition,
      action: "setPassword",
      asker: { ...asker, actor: system(String(user.values["tenantId"])) },
      key: asker.id,
      input: {
        values: { hashedPassword: yield* passwords.hash(Redacted.make(fields.get("password") ?? "")) },
        form: "values"
      }
    })
    yield* Sessions.endAll(user, asker)
    yield* SignInLinks.endAll(user, asker)
    return yield* begun(visit, changed ?? user, "/auth/account?saved")
  },
  (effect, visit) =>
    recovered(visit, effect, (error) => error._tag === "NotSignedIn" ? toSignIn(visit) : failed(visit, error))
)
