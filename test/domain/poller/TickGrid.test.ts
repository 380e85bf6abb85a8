import { assert, describe, it } from "@effect/vitest"
import { TickGrid } from "../../../src/domain/poller/TickGrid.ts"

const intervalMillis = 30_000

/** When runs that take so many seconds begin, in seconds, and the ticks that each missed. */
const runsOf = (took: number, phase = 0, until = 180) => {
  const grid = new TickGrid(0, { intervalMillis, phaseMillis: phase * 1_000 })
  const starts: Array<number> = []
  const skipped: Array<number> = []
  for (let now = 0; now <= until * 1_000;) {
    grid.begin(now)
    starts.push(now / 1_000)
    now += took * 1_000
    const { missed, waitMillis } = grid.next(now)
    skipped.push(missed)
    now += waitMillis
  }
  return { starts, skipped }
}

describe("TickGrid", () => {
  it("runs at once and then on the grid, however long a run takes within the interval", () => {
    assert.deepStrictEqual(runsOf(27).starts, [0, 30, 60, 90, 120, 150, 180])
  })

  it("skips the ticks that a long run missed", () => {
    assert.deepStrictEqual(runsOf(70).starts, [0, 90, 180])
  })

  it("takes the tick with which a run ends", () => {
    assert.deepStrictEqual(runsOf(30).starts, [0, 30, 60, 90, 120, 150, 180])
  })

  it("takes the tick shortly after which a run ends, and says how late that is", () => {
    assert.deepStrictEqual(runsOf(60.5).starts, [0, 60.5, 121])
    const grid = new TickGrid(0, { intervalMillis })
    grid.begin(0)
    assert.strictEqual(grid.next(60_500).waitMillis, 0)
    assert.strictEqual(grid.begin(60_500), 500)
  })

  it("runs at once and then on a grid shifted by the phase", () => {
    assert.deepStrictEqual(runsOf(1, 12).starts, [0, 12, 42, 72, 102, 132, 162])
  })

  it("does not repeat the first run a moment later", () => {
    assert.deepStrictEqual(runsOf(0, 1).starts.slice(0, 3), [0, 31, 61])
  })

  it("tells how many ticks a long run missed", () => {
    for (const [took, missed] of [[70, 2], [27, 0], [30, 0], [60.5, 1]] as const) {
      assert.deepStrictEqual(new Set(runsOf(took, 0, 120).skipped), new Set([missed]), `${took} s`)
    }
  })

  it("may begin on the grid, after an interval or the phase", () => {
    for (const [phaseMillis, first] of [[0, 30_000], [12_000, 12_000]] as const) {
      assert.strictEqual(new TickGrid(500, { intervalMillis, phaseMillis }).next(500).waitMillis, first)
    }
  })

  it("says by how much a run is later than its tick", () => {
    const grid = new TickGrid(0, { intervalMillis })
    assert.strictEqual(grid.begin(0), 0)
    assert.strictEqual(grid.next(1_000).waitMillis, 29_000)
    assert.strictEqual(grid.begin(30_250), 250)
  })
})
