/**
 * What GitHub says of somebody who signs in there, or a GitHub Enterprise Server of one's own. It speaks OAuth 2.0 without OpenID
 * Connect: it describes itself nowhere, and says by no token who it was.
 */
import { Option, Schema } from "effect"

const home = "https://github.com"

export const serverOf = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/login/oauth/authorize`,
  token_endpoint: `${issuer}/login/oauth/access_token`
})

/** The mail addresses of whoever has the token. */
export const emailsAddress = (issuer: string): string =>
  issuer === home ? "https://api.github.com/user/emails" : `${issuer}/api/v3/user/emails`

/** It refuses whoever does not say who asks. */
export const headers = { accept: "application/vnd.github+json", "user-agent": "serviceradar" } as const

const Emails = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ email: Schema.String, primary: Schema.Boolean, verified: Schema.Boolean }))
)
const decode = Schema.decodeUnknownOption(Emails)

/** The address that its owner has named the first, whatever others there are. */
export const emailIn = (text: string): { readonly email: string; readonly isVerified: boolean } | undefined => {
  const emails = Option.getOrElse(decode(text), () => [])
  const found = emails.find(({ primary }) => primary)
  return found === undefined ? undefined : { email: found.email, isVerified: found.verified }
}
