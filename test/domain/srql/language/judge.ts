/** What holds of every text: it is refused with a place, or its tree prints to text that parses to the same tree. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import * as Parser from "../../../../src/domain/srql/language/Parser.ts"
import { print } from "../../../../src/domain/srql/language/Printer.ts"
import { toJson } from "../../../../src/domain/srql/language/Query.ts"
import { names } from "./queries.ts"

/** Whether it was answered. */
export const judge = (text: string): boolean => {
  const answer = Parser.parse(text, names)
  if (Result.isFailure(answer)) {
    const { detail, end, expected, start } = answer.failure
    assert.isTrue(start >= 0 && start <= end && end <= text.length, `${start}-${end} in ${JSON.stringify(text)}`)
    assert.isTrue(detail !== "" && expected !== "", text)
    return false
  }
  const printed = print(answer.success)
  const again = Parser.parse(printed, names)
  assert.isTrue(Result.isSuccess(again), `${JSON.stringify(text)} prints ${JSON.stringify(printed)}`)
  if (Result.isSuccess(again)) {
    assert.deepStrictEqual(toJson(again.success), toJson(answer.success), JSON.stringify(text))
  }
  return true
}
