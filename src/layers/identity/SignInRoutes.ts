/** The pages of whoever wants to sign in, with a password or a link; forms that need no script. */
import { Effect, Redacted } from "effect"
import * as SignInPages from "../../domain/identity/pages/SignInPages.ts"
import { minutes } from "../../domain/identity/SignInLink.ts"
import { SignIns } from "../../services/identity/SignIns.ts"
import { begun, failed, formOf, recovered, said, shown } from "./BrowserAnswers.ts"
import { LinkRequests } from "./LinkRequests.ts"
import { Providers } from "./providers/Providers.ts"
import * as SignInLinks from "./SignInLinks.ts"
import * as Visit from "./Visit.ts"

const ways = Effect.gen(function*() {
  const [{ isThere }, { names }] = [yield* LinkRequests, yield* Providers]
  return { hasMail: isThere, providers: names }
})

export const page = (visit: Visit.Visit) =>
  Effect.map(
    ways,
    (open) => shown(visit, SignInPages.signIn(formOf(visit, visit.url.searchParams.get("to")), open))
  )

export const submit = (visit: Visit.Visit) =>
  Effect.flatMap(ways, (open) =>
    recovered(
      visit,
      Effect.gen(function*() {
        const fields = yield* Visit.form(visit)
        const signIns = yield* SignIns
        const user = yield* signIns.withPassword({
          ...visit.origin,
          name: fields.get("name")?.trim() ?? "",
          password: Redacted.make(fields.get("password") ?? "")
        })
        return yield* begun(visit, user, Visit.destination(fields.get("to")))
      }),
      (error) => shown(visit, SignInPages.signIn({ ...formOf(visit), problem: said(error).words }, open), said(error))
    ))

export const linkPage = (visit: Visit.Visit) => {
  const secret = visit.url.searchParams.get("t")
  return Effect.succeed(
    shown(visit, secret === null ? SignInPages.askForLink(formOf(visit)) : SignInPages.useLink(formOf(visit), secret))
  )
}

export const askForLink = Effect.fn("SignInRoutes.askForLink")(
  function*(visit: Visit.Visit) {
    const fields = yield* Visit.form(visit)
    const signIns = yield* SignIns
    yield* signIns.admit(visit.origin, "link")
    const links = yield* LinkRequests
    yield* links.ask({ ...visit.origin, email: fields.get("email")?.trim() ?? "" })
    return shown(visit, SignInPages.linkAsked(minutes))
  },
  (effect, visit) =>
    recovered(
      visit,
      effect,
      (error) => shown(visit, SignInPages.askForLink({ ...formOf(visit), problem: said(error).words }), said(error))
    )
)

const overLink = (visit: Visit.Visit) => {
  const words = "This link is not valid: it was used already, or it is too old."
  return shown(visit, SignInPages.refused("Sign in", words), { status: 401 })
}

export const useLink = Effect.fn("SignInRoutes.useLink")(
  function*(visit: Visit.Visit) {
    const fields = yield* Visit.form(visit)
    const user = yield* SignInLinks.use(fields.get("token") ?? "", visit.origin)
    return yield* begun(visit, user, "/auth/account")
  },
  (effect, visit) =>
    recovered(visit, effect, (error) => error._tag === "SignInRefused" ? overLink(visit) : failed(visit, error))
)
