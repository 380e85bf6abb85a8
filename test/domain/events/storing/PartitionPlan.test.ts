import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as PartitionPlan from "../../../../src/domain/events/storing/PartitionPlan.ts"

const nowMillis = Date.UTC(2026, 2, 1, 13, 30)
const at = (day: number) => Date.UTC(2026, 2, day, 23, 59, 59, 999)

const plan = (options: Partial<Parameters<typeof PartitionPlan.make>[0]> = {}) =>
  PartitionPlan.make({
    table: "logs",
    existing: [],
    nowMillis,
    retention: Duration.days(7),
    daysAhead: 2,
    waitingMillis: [],
    ...options
  })

const created = (options: Partial<Parameters<typeof PartitionPlan.make>[0]> = {}) =>
  plan(options).create.map(({ name }) => name)

describe("PartitionPlan", () => {
  it("makes yesterday, today and the days ahead, from midnight to midnight in UTC", () => {
    assert.deepStrictEqual(created(), ["logs_p20260228", "logs_p20260301", "logs_p20260302", "logs_p20260303"])
    assert.deepStrictEqual(plan().create[1], {
      name: "logs_p20260301",
      fromMillis: Date.UTC(2026, 2, 1),
      toMillis: Date.UTC(2026, 2, 2)
    })
  })

  it("makes nothing twice", () => {
    assert.deepStrictEqual(created({ existing: created() }), [])
  })

  it("makes the days for which rows wait, if they are kept and not further ahead than planned", () => {
    const waitingMillis = [at(-4), at(-4) - 5, at(-20), at(3), at(4), at(400)]

    assert.deepStrictEqual(created({ waitingMillis }), ["logs_p20260224", ...created()])
  })

  it("drops a partition when all of its day is older than rows are kept", () => {
    const existing = ["logs_p20260221", "logs_p20260222", "logs_p20260223", "logs_p20260301"]

    assert.deepStrictEqual(plan({ existing }).drop, ["logs_p20260221"])
  })

  it("leaves alone what is no partition of its own", () => {
    const existing = ["logs_default", "logs_p20200230", "old_logs_p20200101", "logs_p2020", "archive"]

    assert.deepStrictEqual(plan({ existing }).drop, [])
  })
})
