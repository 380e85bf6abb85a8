/**
 * How deep a message may be nested. The existing core reads no JSON beyond 10,000 levels, PostgreSQL keeps none beyond some
 * 6,000, and whoever cannot read a message cannot read the envelope around it either.
 */
import * as JsonDepth from "../../JsonDepth.ts"

const levelsMax = 1_000

/** Of a text that is JSON; of any other it says nothing that counts. */
export const isPassed = (json: string): boolean => JsonDepth.isDeeperThan(json, levelsMax)
