/**
 * Whose rows they are: by the subject's prefix, else the header, else the configured default.
 *
 * Without any of them the message is refused; when prefix and header disagree too, as one of them must be wrong.
 */
import { Result } from "effect"
import { fail, type Problem } from "../decode/DecodeError.ts"
import type { EventMessage } from "./EventMessage.ts"

/** Lower case, as the headers of a message are. */
export const tenantHeader = "x-tenant-id"

export const resolve = (
  prefix: string | undefined,
  headers: EventMessage["headers"],
  tenantDefault: string | undefined
): Result.Result<string, Problem> => {
  const header = headers.get(tenantHeader)
  const named = header === "" ? undefined : header
  if (prefix !== undefined && named !== undefined && prefix !== named) {
    return fail([], `expected one tenant, but the subject names ${prefix} and the header ${named}`)
  }
  const tenant = prefix ?? named ?? tenantDefault
  return tenant === undefined
    ? fail([], `expected a tenant in the subject's prefix or the header ${tenantHeader}`)
    : Result.succeed(tenant)
}
