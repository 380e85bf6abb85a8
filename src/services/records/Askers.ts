/** Who asks, by what a request shows. */
import { Context, type Effect, Schema } from "effect"
import { expected } from "../../domain/records/TenantHeader.ts"
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

/** The same for a tenant that is there and for one that is not. */
export class OtherTenant extends Schema.TaggedError<OtherTenant>()("OtherTenant", {}) {
  override get message(): string {
    return `X-Tenant-Id: expected ${expected}`
  }
}

/** Whether something is shown that `Askers` judge; by its form alone. */
export const isShown = (headers: Shown["headers"]): boolean =>
  /^Bearer +srk_/i.test(headers["authorization"] ?? "") || (headers["x-api-key"] ?? "").trim().startsWith("srk_")

export class Askers extends Context.Service<Askers, {
  readonly of: (shown: Shown) => Effect.Effect<Asker, NotSignedIn | OtherTenant | RecordsUnavailable | RecordsRefused>
}>()("serviceradar/services/records/Askers") {}
