/**
 * Who asks: whoever shows an API token, an access token or the cookie of a session, in this order. One that is shown and is not valid
 * refuses, whatever else is shown.
 *
 * A browser sends its cookie whoever has written the page that asks, so a change by cookie is taken from our own pages alone: by
 * what the browser says of the page, or by the header `x-csrf-token` (see `GET /auth/status`).
 *
 * A super user works in one tenant at a time: that of `X-Tenant-Id`, else the user's own.
 */
import { Effect, Layer, Option } from "effect"
import * as TenantHeader from "../../domain/records/TenantHeader.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { Askers, NotSignedIn, OtherTenant, type Shown } from "../../services/records/Askers.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import { AccessTokens } from "./AccessTokens.ts"
import * as ApiTokens from "./ApiTokens.ts"
import * as Cookies from "./Cookies.ts"
import * as Sessions from "./Sessions.ts"

/** Changes nothing, whoever asks. */
const safe = new Set(["GET", "HEAD", "OPTIONS"])

const tokenIn = ({ headers }: Shown): string | undefined => {
  const { authorization } = headers
  return authorization === undefined
    ? headers["x-api-key"]?.trim()
    : /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ""
}

const isOurs = ({ headers, method }: Shown, cookie: string): boolean => {
  if (safe.has(method)) return true
  const shown = headers["x-csrf-token"]
  if (shown !== undefined) return shown === Cookies.formToken(cookie)
  const says = headers["sec-fetch-site"] ?? headers["origin"]
  return says !== undefined && Cookies.isFromOurPage(headers)
}

/** As whoever asks is in the tenant that the request names. */
const inTenant = Effect.fn("SignedIn.inTenant")(
  function*(asker: Asker, named: string) {
    const { actor, requestId } = asker
    const tenant = Option.getOrUndefined(yield* Directory.tenant(named, requestId))
    const id = tenant?.values["id"]
    if (typeof id !== "string" || (actor["isSuperUser"] !== true && id !== actor["tenantId"])) {
      return yield* new OtherTenant()
    }
    return { ...asker, actor: { ...actor, tenantId: id } }
  },
  Effect.catchTag("Forbidden", () => Effect.fail(new OtherTenant()))
)

export const layer = (cookies: Cookies.CookieOptions): Layer.Layer<Askers, never, AccessTokens | Records> =>
  Layer.effect(
    Askers,
    Effect.gen(function*() {
      const records = yield* Records
      const accessTokens = yield* AccessTokens
      const ofApiToken = yield* ApiTokens.make
      const ofAccessToken = Effect.fn("SignedIn.ofAccessToken")(
        function*(token: string, { requestId }: Shown) {
          const { sid } = yield* accessTokens.verify(token, "access")
          const { asker } = yield* Sessions.personOf(yield* Sessions.ofId(sid, requestId), requestId)
          return asker
        },
        Effect.catchTag(["Forbidden", "TokenRefused"], () => Effect.fail(new NotSignedIn())),
        Effect.provideService(Records, records)
      )
      const ofCookie = Effect.fn("SignedIn.ofCookie")(
        function*(shown: Shown) {
          const cookie = Cookies.read(shown.headers, "session", cookies)
          if (cookie === undefined || !isOurs(shown, cookie)) return yield* new NotSignedIn()
          const session = yield* Sessions.ofSecret(cookie, shown.requestId)
          const { asker } = yield* Sessions.personOf(session, shown.requestId)
          return asker
        },
        Effect.catchTag("Forbidden", () => Effect.fail(new NotSignedIn())),
        Effect.provideService(Records, records)
      )

      const known = (shown: Shown) => {
        const token = tokenIn(shown)
        if (token === undefined) return ofCookie(shown)
        return token.startsWith("srk_") ? ofApiToken(token, shown) : ofAccessToken(token, shown)
      }

      return Askers.of({
        of: (shown) => {
          const named = shown.headers[TenantHeader.header]
          return named === undefined
            ? known(shown)
            : Effect.flatMap(known(shown), (asker) => inTenant(asker, named)).pipe(
              Effect.provideService(Records, records)
            )
        }
      })
    })
  )
