/**
 * What core shows below `/auth`: the pages of the sign-in for browsers, and what programs of the existing system ask there.
 *
 *   GET  /auth/sign-in, /auth/link, /auth/account
 *   POST /auth/sign-in, /auth/link, /auth/link/use, /auth/password, /auth/sign-out
 */
import { Effect } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as SignInPages from "../../domain/identity/pages/SignInPages.ts"
import type { Passwords } from "../../services/identity/Passwords.ts"
import type { SignIns } from "../../services/identity/SignIns.ts"
import type { Records } from "../../services/records/Records.ts"
import type { Mount } from "../http/Management.ts"
import * as AccountRoutes from "./AccountRoutes.ts"
import { failed, type Failure, recovered, shown } from "./BrowserAnswers.ts"
import type { CookieOptions } from "./Cookies.ts"
import type { LinkRequests } from "./LinkRequests.ts"
import * as SignInRoutes from "./SignInRoutes.ts"
import * as Visit from "./Visit.ts"

export interface AuthOptions extends SignInRoutes.SignInOptions {
  readonly cookies: CookieOptions
}

type Needs = LinkRequests | Passwords | Records | SignIns

type Handle = (visit: Visit.Visit) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failure, Needs>

const nothing = SignInPages.refused("Not found", "There is no such page.")

export const mount = (options: AuthOptions): Mount<Needs> => {
  const routes: ReadonlyMap<string, Handle> = new Map<string, Handle>([
    ["GET /auth/sign-in", SignInRoutes.page(options)],
    ["POST /auth/sign-in", SignInRoutes.submit(options)],
    ["GET /auth/link", SignInRoutes.linkPage],
    ["POST /auth/link", SignInRoutes.askForLink],
    ["POST /auth/link/use", SignInRoutes.useLink],
    ["GET /auth/account", AccountRoutes.page],
    ["POST /auth/password", AccountRoutes.setPassword],
    ["POST /auth/sign-out", AccountRoutes.signOut]
  ])
  const answer = (request: HttpServerRequest.HttpServerRequest) => {
    const visit = Visit.of(request, options.cookies)
    const { requestId } = visit.origin
    const method = request.method === "HEAD" ? "GET" : request.method
    const handle = routes.get(`${method} ${visit.url.pathname}`)
    const answered = handle === undefined
      ? Effect.succeed(shown(visit, nothing, { status: 404 }))
      : recovered(visit, handle(visit), (error) => failed(visit, error))
    return answered.pipe(
      Effect.map((response) => HttpServerResponse.setHeader(response, "x-request-id", requestId)),
      Effect.withSpan("Auth", { attributes: { requestId } })
    )
  }
  return { path: "/auth", handle: answer }
}
