/** How people sign in to core: what its configuration says of it, the pages, and who keeps them working. */
import { Effect, Layer, Option } from "effect"
import * as os from "node:os"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { CoreConfig } from "../../domain/core/CoreConfig.ts"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import { isLoopback } from "../../domain/security/SecurityMode.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import type { Admission, Door } from "../../layers/http/Management.ts"
import * as RequestId from "../../layers/http/RequestId.ts"
import { AccessTokens } from "../../layers/identity/AccessTokens.ts"
import * as AuthMount from "../../layers/identity/AuthMount.ts"
import { LinkRequests } from "../../layers/identity/LinkRequests.ts"
import * as LocalAccounts from "../../layers/identity/LocalAccounts.ts"
import * as HashedPasswords from "../../layers/identity/passwords/HashedPasswords.ts"
import { Providers } from "../../layers/identity/providers/Providers.ts"
import * as SignedIn from "../../layers/identity/SignedIn.ts"
import * as SmtpMail from "../../layers/identity/SmtpMail.ts"
import { Accounts } from "../../services/identity/Accounts.ts"
import { Mail } from "../../services/identity/Mail.ts"
import type { Passwords } from "../../services/identity/Passwords.ts"
import { SignIns } from "../../services/identity/SignIns.ts"
import { Askers } from "../../services/records/Askers.ts"
import { Records } from "../../services/records/Records.ts"

export type Parts = AccessTokens | Accounts | LinkRequests | Passwords | Providers | SignIns

/** Told of a link for the first administrator. */
export type OnFirstLink = (link: string) => Effect.Effect<void>

/** What listens there listens everywhere. */
const wildcards = new Set(["", "0.0.0.0", "::"])

/** Where people reach core; behind a proxy or with certificates it has to be told. */
const baseOf = ({ auth, http }: CoreConfig): string =>
  Option.getOrElse(auth.publicUrl, () =>
    Option.match(http, {
      onNone: () => "",
      onSome: ({ host, port }) =>
        `http://${HostPort.format({ host: wildcards.has(host) ? os.hostname() : host, port })}`
    }))

const cookiesOf = (config: CoreConfig) => ({
  isSecure: baseOf(config).startsWith("https:") || Option.exists(config.http, ({ host }) => !isLoopback(host))
})

/** Whether those can sign in whom the configuration names. */
export const checks = ({ auth }: CoreConfig) =>
  auth.localUsers.length === 0 ? [] : [{ name: "accounts", ready: Accounts.use(({ ready }) => ready) }]

export const mounts = (config: CoreConfig) =>
  AuthMount.mounts({
    base: baseOf(config),
    cookies: cookiesOf(config),
    providers: config.auth.providers.map(({ name }) => name)
  })

/**
 * What core shows beside the API is of the default tenant, or of all: its people may see it, and super users, as far as they have
 * shown something for it. Those of other tenants see what is theirs.
 */
export const door: Door<Askers> = {
  signIn: "/auth/sign-in",
  admits: (request) =>
    Askers.use((askers) =>
      askers.of({
        method: request.method,
        headers: request.headers,
        address: Option.getOrElse(request.remoteAddress, () => ""),
        requestId: RequestId.of(request.headers)
      })
    ).pipe(
      Effect.map(({ actor }): Admission =>
        actor["isSuperUser"] === true || actor["tenantId"] === defaultTenantId ? "everything" : "own"
      ),
      Effect.orElseSucceed((): Admission => "nothing")
    )
}

/** While there is no database, a moment later. */
const retry = Backoff.capped({ from: "100 millis", to: "5 seconds" })

const accounts = (config: CoreConfig, onFirstLink: OnFirstLink | undefined) =>
  Layer.effect(
    Accounts,
    Effect.gen(function*() {
      const records = yield* Records
      const { keep } = yield* LinkRequests
      const link = Effect.gen(function*() {
        yield* LocalAccounts.configure(config.auth.localUsers)
        return onFirstLink === undefined ? Option.none() : yield* LocalAccounts.firstLink(baseOf(config))
      }).pipe(Effect.provideService(Records, records))
      const known = link.pipe(
        Effect.tapError((error) =>
          error._tag === "RecordsUnavailable"
            ? Effect.void
            : Effect.logError(`Who may sign in could not be brought in line with the configuration: ${error.message}`)
        ),
        Effect.retry(retry),
        // Tried for ever.
        Effect.orDie
      )
      return Accounts.make((done) =>
        known.pipe(
          Effect.tap(done),
          Effect.flatMap((first) =>
            Option.isNone(first) || onFirstLink === undefined ? Effect.void : onFirstLink(first.value)
          ),
          Effect.andThen(keep)
        )
      )
    })
  )

/** `onFirstLink` is told of a link for the first administrator while nobody has ever signed in; with it one is made. */
export const layer = (config: CoreConfig, onFirstLink?: OnFirstLink) =>
  accounts(config, onFirstLink).pipe(
    Layer.provideMerge(LinkRequests.layer(baseOf(config))),
    Layer.provideMerge(Providers.layer(baseOf(config), config.auth.providers)),
    Layer.provideMerge(Layer.merge(SignIns.layer, SignedIn.layer(cookiesOf(config)))),
    Layer.provideMerge(Layer.merge(HashedPasswords.layer, AccessTokens.layer(config.auth.tokens))),
    Layer.provide(Option.match(config.auth.mail, { onNone: () => Mail.layerNone, onSome: SmtpMail.layer }))
  )
