import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { matchesName, parseStat } from "../../../../src/domain/monitoring/host/ProcessTable.ts"

const stat = (name: string) =>
  `4242 (${name}) S 1 4242 4242 0 -1 4194560 1 2 3 4 70 30 0 0 20 0 11 0 123456 1000000 512 184467 1 1`

describe("ProcessTable", () => {
  it.each(["nginx", "tmux: server", "a) R 1 (b", "", "名前"])(
    "reads a process whose name is %j",
    (name) =>
      assert.deepStrictEqual(
        parseStat(stat(name)),
        Option.some({
          pid: 4242,
          parentPid: 1,
          name,
          state: "S",
          cpuTicks: 100,
          startTicks: 123_456,
          residentPages: 512
        })
      )
  )

  it.each(["", "4242", "4242 (x", ") (", "4242 (x)", "4242 (x) S 1"])(
    "reads nothing from %j",
    (text) => assert.deepStrictEqual(parseStat(text), Option.none())
  )

  it("finds a process by the name of its program, its title or the kernel's name for it", () => {
    assert.isTrue(matchesName("postgres", "postgres", "/usr/lib/postgresql/bin/postgres\0-D\0/data\0"))
    assert.isTrue(matchesName("nginx", "nginx", "nginx: master process /usr/sbin/nginx"))
    assert.isTrue(matchesName("node", "MainThread", "/usr/bin/node\0main.js\0"))
    assert.isTrue(matchesName("kthreadd", "kthreadd", ""))
  })

  it("takes a name cut by the kernel only where nothing better is known", () => {
    assert.isTrue(matchesName("systemd-resolved-extra", "systemd-resolve", ""))
    assert.isFalse(matchesName("systemd-resolved", "systemd-resolve", "/lib/other\0"))
  })

  it("does not take a part, an argument or a folder for the name", () => {
    assert.isFalse(matchesName("ngin", "nginx", "/usr/sbin/nginx\0"))
    assert.isFalse(matchesName("main.js", "node", "/usr/bin/node\0main.js\0"))
    assert.isFalse(matchesName("sbin", "nginx", "/usr/sbin/nginx\0"))
    assert.isFalse(matchesName("n.inx", "nginx", "/usr/sbin/nginx\0"))
  })
})
