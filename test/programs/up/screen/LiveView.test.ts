import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option } from "effect"
import { streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import type { ServiceState } from "../../../../src/domain/monitoring/reports/ServiceState.ts"
import type { TreeNode } from "../../../../src/domain/supervision/TreeNode.ts"
import * as Style from "../../../../src/layers/terminal/Style.ts"
import type { Inventory } from "../../../../src/programs/up/screen/Inventory.ts"
import * as LiveView from "../../../../src/programs/up/screen/LiveView.ts"
import type { SourceOverview } from "../../../../src/services/sync/SyncOverview.ts"
import { waiting } from "../../../../src/services/sync/SyncProgress.ts"
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
  LiveView.draw({ ...view, ...fields }, { style: Style.plain, nowMillis, staleAfter: () => 8_000, columns: 100, rows })

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

  it("shows what sync brings, source by source where there is room, else in a line", () => {
    const source = (name: string, fields: Partial<SourceOverview> = {}): SourceOverview => ({
      ...waiting(name),
      phase: "committed",
      pages: 8,
      devices: 800,
      startedAt: nowMillis - 2_000,
      fetchedAt: nowMillis - 1_000,
      generation: 7,
      kept: 800,
      retractionsPending: 0,
      ...fields
    })
    const inventory = Option.some<Inventory>({
      sources: [source("armis"), source("netbox", { phase: "held", retractionsPending: 700, detail: "too few" })],
      served: Option.some({ devices: 1_600, sequence: 12 }),
      devicesInCore: Option.none(),
      agent: {
        agentId: "local-agent",
        current: Option.some({ targets: 800, networks: 200, bytes: 1, sha256: "", readAt: 0 }),
        problem: ""
      }
    })

    const tall = drawn({ inventory }, 80)
    assert.strictEqual(countOf(tall, /^armis +committed +8 +800 +800 +0 +#7 +800 +0$/), 1)
    assert.strictEqual(countOf(tall, /^netbox +held .* 700 +too few$/), 1)
    assert.strictEqual(countOf(tall, /1600 devices served as 12; core has none yet; local-agent is to sweep 800/), 1)
    const low = drawn({ inventory }, 16)
    assert.isAtMost(low.length, 16)
    assert.strictEqual(countOf(low, /^2 sources, 1600 devices, 700 retractions pending; netbox: too few$/), 1)
  })

  it("shows a service as stale whose last status is older than three intervals", () => {
    const old = { ...state(0), reportedAt: DateTime.makeUnsafe(nowMillis - 8_001) }
    const lines = drawn({ states: [state(1), old], expected: 2 }, 60)

    assert.strictEqual(countOf(lines, /service-0 .* stale /), 1)
    assert.strictEqual(countOf(lines, /service-1 .* up /), 1)
    assert.include(lines[0], "1 up, 1 stale")
  })

  it("shows a service as stale whose last status is of the hour that a clock, set back since, has before it again", () => {
    const ahead = { ...state(0), reportedAt: DateTime.makeUnsafe(nowMillis + 3_600_000) }
    const lines = drawn({ states: [ahead], expected: 1 }, 60)

    assert.strictEqual(countOf(lines, /service-0 .* stale /), 1)
  })
})
