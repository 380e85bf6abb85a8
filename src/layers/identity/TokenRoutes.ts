/**
 * What programs of the existing system ask of `/auth`: tokens for a name and a password, and new ones for a refresh token. One of
 * those that is shown a second time was stolen, or the first was: the session ends.
 */
import { DateTime, Effect, Schema } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Session } from "../../domain/identity/Session.ts"
import { system } from "../../domain/records/Actor.ts"
import { SignIns } from "../../services/identity/SignIns.ts"
import { NotSignedIn } from "../../services/records/Askers.ts"
import { Records } from "../../services/records/Records.ts"
import { AccessTokens, refreshLife } from "./AccessTokens.ts"
import { type Failure, said } from "./BrowserAnswers.ts"
import * as PageAnswers from "./PageAnswers.ts"
import * as Secrets from "./Secrets.ts"
import * as Sessions from "./Sessions.ts"
import type * as Visit from "./Visit.ts"

const bodyMax = ByteSize.kibibytes(16)

const LoginBody = Schema.Struct({ username: Schema.String, password: Schema.RedactedFromValue(Schema.String) })
const RefreshBody = Schema.Struct({ refresh_token: Schema.String })

class NoSuchBody extends Schema.TaggedError<NoSuchBody>()("NoSuchBody", {}) {}

const bodyOf = <A>({ request }: Visit.Visit, schema: Schema.Codec<A, unknown>): Effect.Effect<A, NoSuchBody> =>
  request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, bodyMax),
    Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))),
    Effect.mapError(() => new NoSuchBody())
  )

/** In the words of the existing core, which are plain text; `refused` for what is not valid. */
const answered = <R>(
  { cookies, origin }: Visit.Visit,
  effect: Effect.Effect<unknown, Failure | NoSuchBody, R>,
  refused: string
) =>
  effect.pipe(
    Effect.map((body) => PageAnswers.json(body, 200, cookies)),
    Effect.catch((error) => {
      if (error._tag === "NoSuchBody") return Effect.succeed(PageAnswers.text("invalid request", 400, cookies))
      const { retryAfterSeconds, status, words } = said(error)
      const answer = PageAnswers.text(status === 401 ? refused : words, status, cookies)
      return Effect.as(
        status === 500 ? Effect.logError(`Request ${origin.requestId}: ${error.message}`) : Effect.void,
        retryAfterSeconds === undefined
          ? answer
          : HttpServerResponse.setHeader(answer, "retry-after", `${retryAfterSeconds}`)
      )
    })
  )

export const login = (visit: Visit.Visit) =>
  answered(
    visit,
    Effect.gen(function*() {
      const { password, username } = yield* bodyOf(visit, LoginBody)
      const signIns = yield* SignIns
      const tokens = yield* AccessTokens
      const user = yield* signIns.withPassword({ ...visit.origin, name: username, password })
      const secret = Secrets.random()
      const session = yield* Sessions.begin({ ...visit.origin, user, kind: "program", secret, life: refreshLife })
      return yield* tokens.issue(user, session, secret)
    }),
    "login failed: invalid credentials"
  )

export const refresh = (visit: Visit.Visit) =>
  answered(
    visit,
    Effect.gen(function*() {
      const { refresh_token: text } = yield* bodyOf(visit, RefreshBody)
      const { requestId } = visit.origin
      const tokens = yield* AccessTokens
      const records = yield* Records
      const { jti, sid } = yield* tokens.verify(text, "refresh")
      const session = yield* Sessions.ofId(sid, requestId)
      const { asker, user } = yield* Sessions.personOf(session, requestId)
      if (session.kind !== "program") return yield* new NotSignedIn()
      if (session.tokenHash !== Secrets.hashOf(jti)) {
        yield* Sessions.end(session, asker)
        return yield* new NotSignedIn()
      }
      const secret = Secrets.random()
      yield* records.write({
        definition: Session.definition,
        action: "renew",
        asker: { ...asker, actor: system(session.tenantId) },
        key: session.id,
        input: {
          values: {
            tokenHash: Secrets.hashOf(secret),
            expiresAt: DateTime.addDuration(yield* DateTime.now, refreshLife)
          },
          form: "values"
        },
        versions: [session.version]
      }).pipe(Effect.catchTag("Changed", () => Effect.fail(new NotSignedIn())))
      return yield* tokens.issue(user, session.id, secret)
    }),
    "token refresh failed"
  )

/** Ends the session of an access token. */
export const logout = (visit: Visit.Visit) =>
  answered(
    visit,
    Effect.gen(function*() {
      const [, text = ""] = /^Bearer +(\S+) *$/i.exec(visit.request.headers["authorization"] ?? "") ?? []
      const tokens = yield* AccessTokens
      const { sid } = yield* tokens.verify(text, "access")
      const session = yield* Sessions.ofId(sid, visit.origin.requestId)
      const { asker } = yield* Sessions.personOf(session, visit.origin.requestId)
      yield* Sessions.end(session, asker)
      return { message: "signed out" }
    }),
    "Invalid bearer token"
  )

export const keys = (visit: Visit.Visit) =>
  answered(visit, Effect.map(AccessTokens.use((tokens) => tokens.keys), (all) => ({ keys: all })), "")

/** Where they are, for whoever verifies tokens. */
export const discovery = (base: string) => (visit: Visit.Visit) =>
  Effect.succeed(PageAnswers.json(
    {
      issuer: base,
      jwks_uri: `${base}/auth/jwks.json`,
      authorization_endpoint: `${base}/auth/sign-in`,
      response_types_supported: ["token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["HS256", "RS256"]
    },
    200,
    visit.cookies
  ))
