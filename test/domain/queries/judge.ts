/** What holds of every question: it is refused with a place in it, or planned with as many binds as placeholders. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import * as RowText from "../../../src/domain/srql/plan/RowText.ts"
import { planOf } from "./asking.ts"

export interface Judged {
  readonly isPlanned: boolean
  /** As it would be sent, with its binds; empty where it is refused. */
  readonly statement: string
  readonly binds: ReadonlyArray<unknown>
}

const placeholders = (text: string): ReadonlySet<number> =>
  new Set([...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))

export const judgePlan = (text: string): Judged => {
  const answer = planOf(text, { tenant: "odd" })
  if (Result.isFailure(answer)) {
    const { detail, end, expected, found, start } = answer.failure
    assert.isTrue(start >= 0 && start <= end && end <= text.length, `${start}-${end} in ${JSON.stringify(text)}`)
    assert.isTrue(detail !== "" && expected !== "" && found !== "", text)
    return { isPlanned: false, statement: "", binds: [] }
  }
  const { binds } = answer.success
  const statement = RowText.statement(answer.success, "service", rowRules)
  const used = placeholders(statement)
  assert.strictEqual(Math.max(...used), binds.length, text)
  assert.strictEqual(used.size, binds.length, text)
  return { isPlanned: true, statement, binds: binds.map(({ v }) => v) }
}
