/**
 * What core shows below `/auth`: the pages of the sign-in for browsers, and what programs of the existing system ask there.
 *
 *   GET  /auth/sign-in, /auth/link, /auth/account
 *   POST /auth/sign-in, /auth/link, /auth/link/use, /auth/password, /auth/sign-out
 *   GET  /auth/NAME, /auth/NAME/callback of a provider
 *   POST /auth/login, /auth/refresh, /auth/logout
 *   GET  /auth/jwks.json, /auth/status, /.well-known/openid-configuration
 */
import { Effect } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as SignInPages from "../../domain/identity/pages/SignInPages.ts"
import type { Passwords } from "../../services/identity/Passwords.ts"
import type { SignIns } from "../../services/identity/SignIns.ts"
import type { Records } from "../../services/records/Records.ts"
import type { Mount } from "../http/Management.ts"
import type { AccessTokens } from "./AccessTokens.ts"
import * as AccountRoutes from "./AccountRoutes.ts"
import { failed, type Failure, recovered, shown } from "./BrowserAnswers.ts"
import type { CookieOptions } from "./Cookies.ts"
import type { LinkRequests } from "./LinkRequests.ts"
import * as PageAnswers from "./PageAnswers.ts"
import * as ProviderRoutes from "./providers/ProviderRoutes.ts"
import type { Providers } from "./providers/Providers.ts"
import * as SignInRoutes from "./SignInRoutes.ts"
import * as TokenRoutes from "./TokenRoutes.ts"
import * as Visit from "./Visit.ts"

export interface AuthOptions {
  /** Names of the providers that people may sign in with. */
  readonly providers: ReadonlyArray<string>
  readonly cookies: CookieOptions
  /** Where people reach core. */
  readonly base: string
}

type Needs = AccessTokens | LinkRequests | Passwords | Providers | Records | SignIns

type Handle = (visit: Visit.Visit) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failure, Needs>

/** Of a provider that nobody has configured, in the words of the existing core. */
const noProvider = /^\/auth\/[a-z][a-z0-9-]{0,30}(?:\/callback)?$/

const nothing = SignInPages.refused("Not found", "There is no such page.")

export const mounts = (options: AuthOptions): ReadonlyArray<Mount<Needs>> => {
  const routes: ReadonlyMap<string, readonly [handle: Handle, summary: string]> = new Map<
    string,
    readonly [Handle, string]
  >([
    ["GET /auth/sign-in", [SignInRoutes.page, "The page to sign in with a browser"]],
    ["POST /auth/sign-in", [SignInRoutes.submit, "Signs in by name and password: a form"]],
    ["GET /auth/link", [SignInRoutes.linkPage, "The page to ask for a link by mail, or of a link"]],
    ["POST /auth/link", [SignInRoutes.askForLink, "Asks for a link by mail: a form"]],
    ["POST /auth/link/use", [SignInRoutes.useLink, "Signs in with a link: a form"]],
    ["GET /auth/account", [AccountRoutes.page, "The page of whoever has signed in"]],
    ["GET /auth/status", [AccountRoutes.status, "Who has signed in, and the token for changes by cookie"]],
    ["POST /auth/login", [TokenRoutes.login, "Tokens for a name and a password: JSON"]],
    ["POST /auth/refresh", [TokenRoutes.refresh, "New tokens for a refresh token, which is good once: JSON"]],
    ["POST /auth/logout", [TokenRoutes.logout, "Ends the session of an access token"]],
    ["GET /auth/jwks.json", [TokenRoutes.keys, "The keys that verify access tokens"]],
    ["GET /.well-known/openid-configuration", [TokenRoutes.discovery(options.base), "Where those keys are"]],
    ["POST /auth/password", [AccountRoutes.setPassword, "Sets a password: a form"]],
    ["POST /auth/sign-out", [AccountRoutes.signOut, "Ends the session of the browser: a form"]],
    ...options.providers.flatMap((name): ReadonlyArray<[string, readonly [Handle, string]]> => [
      [`GET /auth/${name}`, [ProviderRoutes.begin(name), `Sends the browser to ${name} to sign in`]],
      [`GET /auth/${name}/callback`, [ProviderRoutes.end(name), `Where ${name} sends the browser back to`]]
    ])
  ])
  const answer = (request: HttpServerRequest.HttpServerRequest) => {
    const visit = Visit.of(request, options.cookies)
    const { requestId } = visit.origin
    const method = request.method === "HEAD" ? "GET" : request.method
    const { pathname } = visit.url
    const [handle] = routes.get(`${method} ${pathname}`) ?? []
    const isProvider = method === "GET" && noProvider.test(pathname) && !routes.has(`POST ${pathname}`)
    const answered = handle === undefined
      ? Effect.succeed(
        isProvider
          ? PageAnswers.text("OAuth provider not supported", 400, options.cookies)
          : shown(visit, nothing, { status: 404 })
      )
      : recovered(visit, handle(visit), (error) => failed(visit, error))
    return answered.pipe(
      Effect.map((response) => HttpServerResponse.setHeader(response, "x-request-id", requestId)),
      Effect.withSpan("Auth", { attributes: { requestId } })
    )
  }
  const summaries = new Map([...routes].map(([place, [, summary]]) => [place, summary]))
  return [{ path: "/auth", handle: answer, summaries }, { path: "/.well-known", handle: answer }]
}
