import { assert, describe, it } from "@effect/vitest"
import * as LastKnown from "../../../../src/domain/monitoring/reports/LastKnown.ts"
import type { ServiceStatus } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"
import { status, textOf } from "../../../services/poller/statuses.ts"

const withMessage = (length: number): ServiceStatus => ({
  ...status("ssh"),
  message: new TextEncoder().encode(`{"data":"${"x".repeat(length)}"}`)
})

describe("LastKnown", () => {
  it("sends a status again as it was", () => {
    const given = withMessage(100_000)

    assert.strictEqual(LastKnown.shorten(given), given)
  })

  it("says of a status of hundreds of kilobytes only how large it was", () => {
    const given = withMessage(300_000)
    const short = LastKnown.shorten(given)

    assert.deepStrictEqual({ ...short, message: given.message }, given)
    assert.match(textOf(short), /the last that is known, 300011 bytes, is not sent again/)
  })
})
