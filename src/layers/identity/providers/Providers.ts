/**
 * Providers with which people sign in, of OpenID Connect and GitHub: the code flow with PKCE and state, and a nonce where there are
 * tokens of identity, each good once, for ten minutes and for the browser that began. The library and what a provider says of
 * itself are loaded with the first sign-in.
 */
import { Clock, Context, Duration, Effect, Layer, Redacted, Schema } from "effect"
import type { Configuration } from "openid-client"
import type { ProviderConfig } from "../../../domain/core/AuthConfig.ts"
import * as BoundedFetch from "./BoundedFetch.ts"
import * as GitHub from "./GitHub.ts"

/** The provider is away, or says no. */
export class ProviderFailed extends Schema.TaggedError<ProviderFailed>()("ProviderFailed", {
  provider: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.provider} did not say who signs in: ${this.detail}`
  }
}

export interface Beginning {
  readonly provider: string
  /** What the browser that begins has, and shows again. */
  readonly browser: string
  /** Where to go afterwards. */
  readonly to: string
}

export interface Person {
  readonly email: string
  /** Whether the provider says that the address is this person's. */
  readonly isVerified: boolean
  readonly to: string
}

export class Providers extends Context.Service<Providers, {
  readonly names: ReadonlyArray<string>
  /** Where the browser goes to sign in there. */
  readonly begin: (beginning: Beginning) => Effect.Effect<string, ProviderFailed>
  /** Who it was, from the address that the browser came back to. */
  readonly end: (provider: string, browser: string, query: URLSearchParams) => Effect.Effect<Person, ProviderFailed>
}>()("serviceradar/layers/identity/Providers") {
  /** `base` is where people reach core. */
  static readonly layer = (base: string, configs: ReadonlyArray<ProviderConfig>): Layer.Layer<Providers> =>
    Layer.effect(Providers, make(base, configs))
}

interface Pending extends Beginning {
  readonly verifier: string
  readonly nonce: string
  readonly untilMillis: number
}

const pendingMax = 1_000
const pendingMillis = Duration.toMillis(Duration.minutes(10))
const patienceSeconds = 10

/** The library's description of a provider. */
type Found = Configuration

interface Known {
  readonly config: ProviderConfig
  readonly found: Found
}

const Email = Schema.Struct({ email: Schema.String, email_verified: Schema.optionalKey(Schema.Boolean) })
const decodeEmail = Schema.decodeUnknownOption(Email)

const library = Effect.promise(() => import("openid-client"))

const make = Effect.fnUntraced(function*(base: string, configs: ReadonlyArray<ProviderConfig>) {
  const client = yield* Effect.cached(library)
  const pending = new Map<string, Pending>()
  const failed = (provider: string) => (cause: unknown) =>
    new ProviderFailed({ provider, detail: cause instanceof Error ? cause.message : String(cause) })
  const asked = <A>(provider: string, ask: () => Promise<A>) =>
    Effect.tryPromise({ try: ask, catch: failed(provider) }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.seconds(patienceSeconds),
        orElse: () => Effect.fail(failed(provider)(`no answer within ${patienceSeconds} s`))
      })
    )

  const discovered = ({ clientId, clientSecret, issuer, kind, name }: ProviderConfig) =>
    Effect.gen(function*() {
      const library = yield* client
      const { allowInsecureRequests, discovery } = library
      const isPlain = issuer.startsWith("http:")
      const secret = Redacted.value(clientSecret)
      if (kind === "github") {
        const found = new library.Configuration(GitHub.serverOf(issuer), clientId, secret)
        found.timeout = patienceSeconds
        found[library.customFetch] = BoundedFetch.bounded
        if (isPlain) allowInsecureRequests(found)
        return found
      }
      return yield* asked(name, () =>
        discovery(new URL(issuer), clientId, secret, undefined, {
          execute: isPlain ? [allowInsecureRequests] : [],
          timeout: patienceSeconds,
          [library.customFetch]: BoundedFetch.bounded
        }))
    })

  /** Kept once it is known; asked again after a failure. */
  const known = new Map<string, Found>()
  const providerOf = Effect.fnUntraced(function*(name: string) {
    const config = configs.find((one) => one.name === name)
    if (config === undefined) return yield* failed(name)("it is not configured")
    const found = known.get(name) ?? (yield* discovered(config))
    known.set(name, found)
    return { config, found }
  })

  const callback = (name: string) => `${base}/auth/${name}/callback`

  const begin: Providers["Service"]["begin"] = Effect.fn("Providers.begin")(function*(beginning) {
    const { provider } = beginning
    const { config, found } = yield* providerOf(provider)
    const library = yield* client
    const verifier = library.randomPKCECodeVerifier()
    const [state, nonce] = [library.randomState(), library.randomNonce()]
    const code_challenge = yield* asked(provider, () => library.calculatePKCECodeChallenge(verifier))
    const now = yield* Clock.currentTimeMillis
    // They were begun in this order.
    for (const [begun, { untilMillis }] of pending) {
      if (untilMillis >= now) break
      pending.delete(begun)
    }
    const [oldest] = pending.keys()
    if (pending.size >= pendingMax && oldest !== undefined) pending.delete(oldest)
    pending.set(state, { ...beginning, verifier, nonce, untilMillis: now + pendingMillis })
    return library.buildAuthorizationUrl(found, {
      redirect_uri: callback(provider),
      scope: config.scopes.join(" "),
      code_challenge,
      code_challenge_method: "S256",
      state,
      ...(config.kind === "github" ? {} : { nonce })
    }).href
  })

  /** From the token of identity, or from what the provider says of its owner. */
  const ofIdentity = Effect.fnUntraced(
    function*({ config: { name }, found }: Known, back: URL, begun: Pending, state: string) {
      const library = yield* client
      const tokens = yield* asked(name, () =>
        library.authorizationCodeGrant(found, back, {
          pkceCodeVerifier: begun.verifier,
          expectedState: state,
          expectedNonce: begun.nonce,
          idTokenExpected: true
        }))
      const claims = tokens.claims()
      const inToken = decodeEmail(claims)
      const said = inToken._tag === "Some"
        ? inToken
        : decodeEmail(yield* asked(name, () => library.fetchUserInfo(found, tokens.access_token, claims?.sub ?? "")))
      return said._tag === "None"
        ? undefined
        : { email: said.value.email, isVerified: said.value.email_verified === true }
    }
  )

  /** There is no token that says who it is: the API does, to whoever has the one for it. */
  const ofGitHub = Effect.fnUntraced(
    function*({ config: { issuer, name }, found }: Known, back: URL, begun: Pending, state: string) {
      const library = yield* client
      const tokens = yield* asked(
        name,
        () => library.authorizationCodeGrant(found, back, { pkceCodeVerifier: begun.verifier, expectedState: state })
      )
      const address = new URL(GitHub.emailsAddress(issuer))
      const text = yield* asked(name, () =>
        library.fetchProtectedResource(
          found,
          tokens.access_token,
          address,
          "GET",
          undefined,
          new Headers(GitHub.headers)
        )
          .then((response) => response.ok ? response.text() : Promise.reject(new Error(`status ${response.status}`))))
      return GitHub.emailIn(text)
    }
  )

  const end: Providers["Service"]["end"] = Effect.fn("Providers.end")(function*(provider, browser, query) {
    const state = query.get("state") ?? ""
    const begun = pending.get(state)
    pending.delete(state)
    const now = yield* Clock.currentTimeMillis
    if (
      begun === undefined || begun.provider !== provider || begun.browser !== browser || begun.untilMillis < now
    ) {
      return yield* failed(provider)("this browser has not begun it, or too long ago")
    }
    const one = yield* providerOf(provider)
    const back = new URL(`${callback(provider)}?${query}`)
    const said = yield* (one.config.kind === "github" ? ofGitHub : ofIdentity)(one, back, begun, state)
    if (said === undefined) return yield* failed(provider)("it tells no mail address")
    return { ...said, to: begun.to }
  })

  return Providers.of({ names: configs.map(({ name }) => name), begin, end })
})
