/**
 * SPIFFE ids, `spiffe://<trust domain>/<path>`, judged as the specification has it.
 *
 * The trust domain is lower case letters, digits, dots, dashes and underscores, without port or user; the path has no
 * empty or relative segment, no query and no fragment.
 */
import { Option, Result } from "effect"

export interface SpiffeId {
  readonly trustDomain: string
  /** With the slash in front; empty for the id of a trust domain itself. */
  readonly path: string
}

const lengthMax = 2_048
const domain = /^[a-z0-9._-]{1,255}$/
const segment = /^[A-Za-z0-9._-]+$/
/** The scheme is told apart without regard to case, as URIs have it. */
const scheme = /^spiffe:\/\//i

export const format = (id: SpiffeId): string => `spiffe://${id.trustDomain}${id.path}`

export const parse = (text: string): Option.Option<SpiffeId> => {
  if (text.length > lengthMax || !scheme.test(text)) return Option.none()
  const [trustDomain = "", ...segments] = text.slice("spiffe://".length).split("/")
  const isFine = domain.test(trustDomain) &&
    segments.every((one) => segment.test(one) && one !== "." && one !== "..")
  return isFine ? Option.some({ trustDomain, path: segments.map((one) => `/${one}`).join("") }) : Option.none()
}

/** A bare domain or a `spiffe://` URI, of which the domain counts. */
export const parseTrustDomain = (text: string): Option.Option<string> =>
  scheme.test(text)
    ? Option.map(parse(text), (id) => id.trustDomain)
    : domain.test(text)
    ? Option.some(text)
    : Option.none()

/** An id as a configuration writes it: without a scheme it is a path in `trustDomain`. Fails with what is expected. */
export const expand = (text: string, trustDomain: Option.Option<string>): Result.Result<SpiffeId, string> => {
  const isUri = text.includes("://")
  if (!isUri && Option.isNone(trustDomain)) {
    return Result.fail("a whole spiffe:// id, because there is no trust_domain that a path could belong to")
  }
  const whole = isUri ? text : `spiffe://${Option.getOrElse(trustDomain, () => "")}/${text.replace(/^\/+/, "")}`
  return Option.match(parse(whole), {
    onNone: () => Result.fail("an id such as spiffe://example.org/services/core"),
    onSome: Result.succeed
  })
}

export const equals = (left: SpiffeId, right: SpiffeId): boolean =>
  left.trustDomain === right.trustDomain && left.path === right.path
