import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { parseStat } from "../../../../src/domain/monitoring/host/ProcessTable.ts"
import * as LongLivedProcesses from "../../../../src/programs/up/machine/LongLivedProcesses.ts"

const stat = (pid: number, name: string, parent: number, startTicks: number, state = "S") =>
  `${pid} (${name}) ${state} ${parent} ${Array.from({ length: 17 }, () => "0").join(" ")} ${startTicks} 1000 10`

const rank = (lines: ReadonlyArray<string>, ownPid = 999, startedBeforeTicks = 10_000) =>
  LongLivedProcesses.rank(lines.flatMap((text) => Option.toArray(parseStat(text))), {
    limit: 3,
    ownPid,
    startedBeforeTicks
  })

describe("LongLivedProcesses", () => {
  it("counts no zombies", () => {
    assert.deepStrictEqual(rank([stat(7, "x", 1, 42, "Z"), stat(8, "y", 1, 43)]), ["y"])
  })

  it("puts the oldest first, each name once, at most so many", () => {
    const lines = [
      stat(9, "d", 1, 40),
      stat(8, "c", 1, 30),
      stat(6, "a", 1, 10),
      stat(7, "b", 1, 20),
      stat(5, "a", 1, 15)
    ]

    assert.deepStrictEqual(rank(lines), ["a", "b", "c"])
  })

  it("leaves out tools of sessions, kernel threads, unprintable names and what is too young", () => {
    const lines = [
      stat(10, "bash", 1, 10),
      stat(2, "kthreadd", 0, 1),
      stat(11, "kworker", 2, 10),
      stat(12, "tmux: server", 1, 10),
      stat(13, "young", 1, 10_001),
      stat(14, "nginx", 1, 10)
    ]

    assert.deepStrictEqual(rank(lines), ["nginx"])
  })

  it("leaves out what a session has started, and not what the first process of a container has", () => {
    const lines = [
      stat(1, "sh", 0, 1),
      stat(10, "nginx", 1, 10),
      stat(20, "bash", 1, 10),
      stat(21, "grep", 20, 20),
      stat(22, "timeout", 1, 20),
      stat(23, "builder", 22, 20),
      stat(24, "tsc", 23, 20)
    ]

    assert.deepStrictEqual(rank(lines), ["nginx"])
  })

  it("leaves out itself and all that started it", () => {
    const lines = [stat(20, "supervisord", 1, 10), stat(21, "launcher", 20, 20), stat(22, "worker", 21, 30)]

    assert.deepStrictEqual(rank([...lines, stat(30, "other", 1, 50)], 22), ["other"])
  })
})
