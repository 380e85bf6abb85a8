/**
 * A part of a tenant, as a request names it: `X-Partition-Id`. Whoever names one sees what is in it, and what is in none, and changes
 * what is in it alone; of the rest it is as of another tenant.
 */
import { Result } from "effect"

export const header = "x-partition-id"

/** A UUID is one as well. */
const form = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/

/** Null where none is named. Fails with what is expected. */
export const ofHeader = (text: string | undefined): Result.Result<string | null, string> =>
  text === undefined
    ? Result.succeed(null)
    : form.test(text)
    ? Result.succeed(text)
    : Result.fail("the id of one partition: letters, digits, `.`, `_`, `:` and `-`, at most 255 of them")
