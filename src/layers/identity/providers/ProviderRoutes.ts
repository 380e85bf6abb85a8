/** Signing in with a provider: `/auth/NAME` sends the browser there, and it comes back to `/auth/NAME/callback`. */
import { Clock, Effect, Redacted } from "effect"
import * as SignInPages from "../../../domain/identity/pages/SignInPages.ts"
import type { Stored } from "../../../domain/records/Record.ts"
import * as Directory from "../../../services/identity/Directory.ts"
import { SignIns } from "../../../services/identity/SignIns.ts"
import { begun, failed, formOf, recovered, shown } from "../BrowserAnswers.ts"
import * as Cookies from "../Cookies.ts"
import * as PageAnswers from "../PageAnswers.ts"
import * as SignInLinks from "../SignInLinks.ts"
import * as Visit from "../Visit.ts"
import { Providers } from "./Providers.ts"

const notThere = (visit: Visit.Visit, provider: string) =>
  shown(visit, SignInPages.refused("Sign in", `Signing in with ${provider} did not work. Try again.`), { status: 502 })

/** The browser is given the cookie by which it is known when it comes back. */
export const begin = (provider: string) => (visit: Visit.Visit) =>
  recovered(
    visit,
    Effect.gen(function*() {
      const providers = yield* Providers
      const to = Visit.destination(visit.url.searchParams.get("to"))
      const address = yield* providers.begin({ provider, browser: visit.formCookie, to })
      const answer = PageAnswers.elsewhere(address, visit.cookies)
      return visit.hasFormCookie ? answer : Cookies.set(answer, "form", visit.formCookie, visit.cookies)
    }),
    (error) => error._tag === "ProviderFailed" ? notThere(visit, provider) : failed(visit, error)
  )

/** Whose address is that of several people says who of them signs in, as with a link that was sent to it. */
const chosen = Effect.fnUntraced(function*(visit: Visit.Visit, users: ReadonlyArray<Stored>) {
  const { origin } = visit
  const choices = yield* Effect.forEach(users, (user) =>
    Effect.all({
      name: Directory.fullNameOf(user, origin.requestId),
      secret: Effect.map(SignInLinks.make(user, origin), Redacted.value)
    }))
  return shown(visit, SignInPages.choose(formOf(visit), choices))
})

/** Somebody is let in whose address the provider has verified, and who is a user here: nobody becomes one by it. */
export const end = (provider: string) => (visit: Visit.Visit) =>
  recovered(
    visit,
    Effect.gen(function*() {
      const { origin } = visit
      const [providers, signIns, beganMillis] = [yield* Providers, yield* SignIns, yield* Clock.currentTimeMillis]
      yield* signIns.admit(origin, "provider")
      const { email, isVerified, to } = yield* providers.end(
        provider,
        visit.hasFormCookie ? visit.formCookie : "",
        visit.url.searchParams
      )
      if (!isVerified) return yield* signIns.refuse("the mail address is not verified", "provider", origin, beganMillis)
      const [user, ...others] = yield* Directory.usersByName(email, origin.requestId)
      if (user === undefined) return yield* signIns.refuse("no such user", "provider", origin, beganMillis)
      if (others.length > 0) return yield* chosen(visit, [user, ...others])
      return yield* begun(visit, yield* signIns.known(user, "provider", origin), to)
    }),
    (error) => error._tag === "ProviderFailed" ? notThere(visit, provider) : failed(visit, error)
  )
