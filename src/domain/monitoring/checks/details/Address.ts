/** Keys of details that name where to connect to. */
import { Result, Schema } from "effect"
import { parseHostPort } from "../ProbeTarget.ts"

/** `host:port`, an IPv6 address in brackets. */
export const HostAndPort = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.match(parseHostPort("", text), {
      onSuccess: () => undefined,
      onFailure: ({ expected }) => `expected ${expected}`
    })
  )
)
