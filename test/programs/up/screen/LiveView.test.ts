import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Option } from "effect"
import { streamNames } from "../../../../src/domain/events/stream/Subject.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import type { ServiceState } from "../../../../src/domain/monitoring/reports/ServiceState.ts"
import type { TreeNode } from "../../../../src/domain/supervision/TreeNode.ts"
import * as Style from "../../../../src/layers/terminal/Style.ts"
import * as LiveView from "../../../../src/programs/up/screen/LiveView.ts"
import { streamStatus as status } from "../streamStatus.ts"

const nowMillis = 1_767_323_045_678
const now = DateTime.makeUnsafe(nowMillis)

const state = (index: number): ServiceState => ({
  partition: Partition.make("default"),
  agentId: AgentId.make("local-agent"),
  serviceType: ServiceType.make("port"),
  serviceName: ServiceName.make(`service-${index}`),
  pollerId: PollerId.make("local-poller"),
  sourceIp: "127.0.0.1",
  available: true,
  responseTimeNanos: 1_000_000,
  message: "{}",
  source: "getStatus",
  kvStoreId: "",
  reportedAt: now,
  lastChangeAt: now,
  firstSeenAt: now
})

const node = (id: string, children: ReadonlyArray<TreeNode> = []): TreeNode => ({
  id,
  path: id,
  kind: children.length === 0 ? "worker" : "supervisor",
  state: "running",
  restart: "permanent",
  restartsInWindow: 0,
  restartsTotal: 0,
  startedAt: nowMillis,
  children
})

const part = (id: string) => node(id, Array.from({ length: 6 }, (_, index) => node(`${id}-${index}`)))

const view: LiveView.View = {
  headline: "http://127.0.0.1:8090",
  states: Array.from({ length: 20 }, (_, index) => state(index)),
  expected: 20,
  streams: streamNames.map((stream) =>
    stream === "NETFLOW" ? status(stream) : status(stream, { rowsInserted: 10, messagesPerSecond: 1 })
  ),
  inventory: Option.none(),
  tree: [node("Up", [part("Core"), part("Agent"), part("Poller"), part("EventWriter")])],
  warnings: ["core is away"]
}

const drawn = (fields: Partial<LiveView.View>, rows: number) =>
  LiveView.draw({ ...view, ...fields }, { style: Style.plain, nowMillis, staleMillis: 8_000, columns: 100, rows })

const countOf = (lines: ReadonlyArray<string>, pattern: RegExp) => lines.filter((line) => pattern.test(line)).length

describe("LiveView", () => {
  it("shows everything where there is room", () => {
    const lines = drawn({}, 80)

    assert.strictEqual(countOf(lines, /^service-/), 20)
    assert.strictEqual(countOf(lines, /^(TELEMETRY|EVENTS|SWEEP|NETFLOW|OTEL_METRICS|OTEL_TRACES|LOGS) /), 7)
    assert.strictEqual(countOf(lines, /─ Core-\d/), 6)
    assert.include(lines, "core is away")
  })

  for (const rows of [24, 30, 40, 50]) {
    it(`fits on ${rows} lines, with statuses, streams and the parts of the tree`, () => {
      const lines = drawn({}, rows)

      assert.isAtMost(lines.length, rows - 1)
      assert.isAtLeast(countOf(lines, /^service-/), 5)
      assert.isAtLeast(countOf(lines, /^(TELEMETRY|events) /), 1)
      assert.strictEqual(countOf(lines, /─ (Core|Agent|Poller|EventWriter) /), 4)
      assert.include(lines, "core is away")
    })
  }

  it("leaves out quiet streams before it takes a line for all", () => {
    const lines = drawn({}, 26)

    assert.strictEqual(countOf(lines, /^NETFLOW/), 0)
    assert.strictEqual(countOf(lines, /^TELEMETRY/), 1)
    assert.strictEqual(countOf(drawn({}, 24), /^events .*rows/), 1)
  })

  it("wraps a long warning where there is room, and cuts it where there is none", () => {
    const warnings = [`no server: ${"install it or name one ".repeat(10)}`]

    assert.strictEqual(countOf(drawn({ warnings }, 80), /install it/), 3)
    assert.strictEqual(countOf(drawn({ warnings }, 20), /^no server.*…$/), 1)
  })

  it("has no place for streams without an event writer", () => {
    const lines = drawn({ streams: [] }, 80)

    assert.strictEqual(countOf(lines, /STREAM|events /), 0)
  })

  it("shows a service as stale whose last status is older than three intervals", () => {
    const old = { ...state(0), reportedAt: DateTime.makeUnsafe(nowMillis - 8_001) }
    const lines = drawn({ states: [state(1), old], expected: 2 }, 60)

    assert.strictEqual(LiveView.staleAfter(Duration.seconds(2)), 8_000)
    assert.strictEqual(countOf(lines, /service-0 .* stale /), 1)
    assert.strictEqual(countOf(lines, /service-1 .* up /), 1)
    assert.include(lines[0], "1 up, 1 stale")
  })
})
