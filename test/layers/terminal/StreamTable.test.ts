import { assert, describe, it } from "@effect/vitest"
import * as StreamTable from "../../../src/layers/terminal/StreamTable.ts"
import * as Style from "../../../src/layers/terminal/Style.ts"

const quiet = (stream: string): StreamTable.StreamRow => ({
  stream,
  messagesPerSecond: 0,
  rowsPerSecond: 0,
  lag: 0,
  rows: 0,
  deadLetters: 0,
  latencyMillis: undefined,
  problem: ""
})

const telemetry: StreamTable.StreamRow = {
  ...quiet("TELEMETRY"),
  messagesPerSecond: 8.2,
  rowsPerSecond: 12_345,
  lag: 3,
  rows: 4_567_890,
  latencyMillis: 240
}

const logs = { ...quiet("LOGS"), rows: 12, lag: undefined, deadLetters: 1 }

const options = { style: Style.plain, columns: 100, linesMax: 8 }

describe("StreamTable", () => {
  it("has a line for each stream when there is room", () => {
    assert.deepStrictEqual(StreamTable.draw([telemetry, quiet("NETFLOW"), logs], options), [
      "STREAM     MSG/S  ROWS/S  LAG  ROWS  DEAD      P99",
      "TELEMETRY    8.2   12.3k    3  4.6M     0  240.0ms",
      "NETFLOW        0       0    0     0     0        -",
      "LOGS           0       0    -    12     1        -"
    ])
  })

  it("leaves out quiet streams first", () => {
    const lines = StreamTable.draw([telemetry, quiet("NETFLOW"), logs], { ...options, linesMax: 3 })

    assert.deepStrictEqual(lines.map((line) => line.split(" ")[0]), ["STREAM", "TELEMETRY", "LOGS"])
  })

  it("ends with one line for all", () => {
    assert.deepStrictEqual(StreamTable.draw([telemetry, quiet("NETFLOW"), logs], { ...options, linesMax: 2 }), [
      "events 8.2 msg/s, lag 3, 4.6M rows, 1 dead, p99 240.0ms"
    ])
  })

  it("says what is wrong, in a table and in one line", () => {
    const stalled = { ...logs, problem: "the database is away" }

    assert.include(StreamTable.draw([stalled], options)[1], "the database is away")
    assert.include(StreamTable.draw([stalled], { ...options, linesMax: 1 })[0], "LOGS: the database is away")
  })

  it("has nothing to say without streams", () => {
    assert.deepStrictEqual(StreamTable.draw([], options), [])
  })
})
