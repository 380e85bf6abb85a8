/** Who asks, by what a request shows. */
import { Context, type Effect, Schema } from "effect"
import type { Asker, RecordsRefused, RecordsUnavailable } from "./Records.ts"

export interface Shown {
  readonly method: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly address: string
  readonly requestId: string
}

/** Nothing was shown, or nothing that is valid: which, nobody is told. */
export class NotSignedIn extends Schema.TaggedError<NotSignedIn>()("NotSignedIn", {}) {
  override get message(): string {
    return "this needs a sign-in (/auth/sign-in), or an API token: the header Authorization: Bearer srk_…, or X-API-Key"
  }
}

/** Whether something is shown that `Askers` judge; by its form alone. */
export const isShown = (headers: Shown["headers"]): boolean =>
  /^Bearer +srk_/i.test(headers["authorization"] ?? "") || (headers["x-api-key"] ?? "").trim().startsWith("srk_")

export class Askers extends Context.Service<Askers, {
  readonly of: (shown: Shown) => Effect.Effect<Asker, NotSignedIn | RecordsUnavailable | RecordsRefused>
}>()("serviceradar/services/records/Askers") {}
