/**
 * What a NATS address says: servers, whether TLS is wanted, and who is asking.
 *
 * As in `NATS_URL`, several addresses stand with commas between them. A name without a password is a token, as the other
 * clients have it; the client library itself ignores both.
 */
import { Option, Redacted, Result } from "effect"

const portDefault = "4222"

export type UrlLogin =
  | { readonly _tag: "UserPassword"; readonly user: string; readonly password: Redacted.Redacted }
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted }

export interface NatsAddress {
  /** `host:port`, at least one. */
  readonly servers: ReadonlyArray<string>
  readonly isTls: boolean
  readonly login: Option.Option<UrlLogin>
}

const decode = (text: string): Result.Result<string, string> =>
  Result.try({ try: () => decodeURIComponent(text), catch: () => "has a user or password that is not URL-encoded" })

const loginOf = (url: URL): Result.Result<Option.Option<UrlLogin>, string> =>
  Result.map(Result.all([decode(url.username), decode(url.password)]), ([user, password]) => {
    if (user === "" && password === "") return Option.none()
    return Option.some(
      password === ""
        ? { _tag: "Token", token: Redacted.make(user) }
        : { _tag: "UserPassword", user, password: Redacted.make(password) }
    )
  })

const parseOne = (text: string): Result.Result<NatsAddress, string> => {
  const url = URL.parse(text.includes("://") ? text : `nats://${text}`)
  if (url === null || url.hostname === "") return Result.fail("is no address such as nats://host:4222")
  if (url.protocol !== "nats:" && url.protocol !== "tls:") {
    return Result.fail(`begins with ${url.protocol}//, which is neither nats:// nor tls://`)
  }
  return Result.map(loginOf(url), (login) => ({
    servers: [`${url.hostname}:${url.port === "" ? portDefault : url.port}`],
    isTls: url.protocol === "tls:",
    login
  }))
}

/** Fails with what is wrong, in words that do not repeat the address: it may hold a password. */
export const parse = (urls: Redacted.Redacted): Result.Result<NatsAddress, string> => {
  const texts = Redacted.value(urls).split(",").map((text) => text.trim()).filter((text) => text !== "")
  if (texts.length === 0) return Result.fail("is empty")
  return Result.map(Result.all(texts.map(parseOne)), (addresses) => ({
    servers: addresses.flatMap(({ servers }) => servers),
    isTls: addresses.some(({ isTls }) => isTls),
    login: Option.firstSomeOf(addresses.map(({ login }) => login))
  }))
}
