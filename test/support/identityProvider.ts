/** A provider of OpenID Connect, with the two people whose sign-in its own pages for development let through. */
import { Effect } from "effect"
import * as http from "node:http"
import { Provider } from "oidc-provider"

export const clientId = "radar"
export const clientSecret = "a secret of the client"

/** By the name that is typed there. */
const people: Readonly<Record<string, { readonly email: string; readonly email_verified: boolean }>> = {
  ada: { email: "ada@example.org", email_verified: true },
  mallory: { email: "ada@example.org", email_verified: false },
  stranger: { email: "stranger@example.org", email_verified: true }
}

const listening = (server: http.Server, port: number) =>
  Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void)))

export const start = Effect.fnUntraced(function*(port: number, redirectUri: string) {
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    pkce: { required: () => true },
    cookies: { keys: ["a key of cookies"] }
  })
  const server = http.createServer(provider.callback())
  yield* Effect.acquireRelease(listening(server, port), () =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    }))
  return issuer
})
