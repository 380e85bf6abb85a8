import { assert, describe, it } from "@effect/vitest"
import type { TreeNode } from "../../../src/domain/supervision/TreeNode.ts"
import * as Elapsed from "../../../src/layers/terminal/Elapsed.ts"
import * as Screen from "../../../src/layers/terminal/Screen.ts"
import * as StatusTable from "../../../src/layers/terminal/StatusTable.ts"
import * as Style from "../../../src/layers/terminal/Style.ts"
import * as TreeDrawing from "../../../src/layers/terminal/TreeDrawing.ts"

const nowMillis = 1_000_000_000

const node = (id: string, fields: Partial<TreeNode> = {}): TreeNode => ({
  id,
  path: id,
  kind: "worker",
  state: "running",
  restart: "permanent",
  restartsInWindow: 0,
  restartsTotal: 0,
  startedAt: nowMillis - 65_000,
  children: [],
  ...fields
})

const row = (service: string, available: boolean): StatusTable.StatusRow => ({
  service,
  type: "port",
  agent: "local",
  available,
  responseTimeNanos: 3_100_000,
  isStale: false,
  lastChangeMillis: nowMillis - 5_000
})

const surface = { style: Style.plain, nowMillis, columns: 120 }

describe("Elapsed", () => {
  it("takes at most two units", () => {
    assert.deepStrictEqual(
      [-5, 0, 4_000, 125_000, 3_600_000, 11_520_000, 90_061_000].map(Elapsed.format),
      ["0s", "0s", "4s", "2m 5s", "1h", "3h 12m", "1d 1h"]
    )
  })

  it("shows latencies in the unit that fits", () => {
    assert.deepStrictEqual(
      [0, 820, 45_000, 3_100_000, 1_240_000_000].map(Elapsed.latency),
      ["-", "820ns", "45µs", "3.1ms", "1.2s"]
    )
  })
})

describe("Style", () => {
  it("wraps between words, and cuts what is left", () => {
    assert.deepStrictEqual(Style.wrap("install it or name one by its path", 12, 4), [
      "install it",
      "or name one",
      "by its path"
    ])
    assert.deepStrictEqual(Style.wrap("install it or name one", 12, 2), ["install it", "or name one"])
    assert.deepStrictEqual(Style.wrap("install it or name one by", 12, 2), ["install it", "or name one…"])
    assert.deepStrictEqual(Style.wrap("0123456789abc", 5, 3), ["01234", "56789", "abc"])
    assert.deepStrictEqual(Style.wrap("short", 12, 3), ["short"])
  })
})

describe("TreeDrawing", () => {
  it("draws branches, states and what happened", () => {
    const tree = node("Up", {
      kind: "supervisor",
      strategy: "one_for_one",
      restartsInWindow: 1,
      restartsBudgetLeft: 2,
      children: [
        node("Core", {
          restartsTotal: 1,
          lastExit: { reason: "failure", at: nowMillis - 3_000, message: "it\nbroke" }
        }),
        node("Agent", { kind: "supervisor", children: [node("GrpcServer", { heartbeatAgeMillis: 4_000 })] })
      ]
    })

    assert.deepStrictEqual(TreeDrawing.draw([tree], surface), [
      "Up                running     up 1m 5s · one_for_one · 2 of 3 restarts left",
      "├─ Core           running     up 1m 5s · 1 restart · last exit 3s ago, failure: it broke",
      "└─ Agent          running     up 1m 5s",
      "   └─ GrpcServer  running     up 1m 5s · heartbeat 4s ago"
    ])
  })

  it("cuts lines at the terminal's edge", () => {
    const [line = ""] = TreeDrawing.draw([node("Up")], { ...surface, style: Style.coloured, columns: 12 })

    assert.strictEqual(Style.width(line), 12)
  })
})

describe("StatusTable", () => {
  it("puts what is down first and counts what it leaves out", () => {
    const lines = StatusTable.draw([row("ssh", true), row("http", false), row("dns", true)], { ...surface, rowsMax: 2 })

    assert.deepStrictEqual(lines, [
      "SERVICE  TYPE  AGENT  STATUS  LATENCY  LAST CHANGE",
      "http     port  local  DOWN      3.1ms  5s ago",
      "ssh      port  local  up        3.1ms  5s ago",
      "… and 1 more"
    ])
  })

  it("lets no control character of a name reach the terminal", () => {
    const lines = StatusTable.draw([row("a\u001b[2Jb", true)], { ...surface, rowsMax: 1 })

    assert.include(lines[1], "a[2Jb")
  })

  it("sums up", () => {
    assert.strictEqual(StatusTable.summary([row("a", true)], Style.plain), "1 up")
    assert.strictEqual(StatusTable.summary([row("a", true), row("b", false)], Style.plain), "1 up, 1 down")
  })
})

describe("Screen", () => {
  it("replaces the lines of the last frame", () => {
    assert.strictEqual(Screen.frame(["a", "b"], 0), "\ra\u001b[K\nb\u001b[K\n\u001b[J")
    assert.strictEqual(Screen.frame(["a"], 2), "\u001b[2A\ra\u001b[K\n\u001b[J")
  })
})
