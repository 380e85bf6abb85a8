import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Simulation from "../../src/services/simulation/Simulation.ts"
import * as Installation from "./Installation.ts"
import * as Replay from "./Replay.ts"

const settings: Replay.Replay["settings"] = {
  hours: 0.5,
  agents: 3,
  checks: 1,
  pollers: 2,
  messagesPerSecond: 1,
  devices: 10,
  profile: "hostile"
}
const { kinds } = Installation.scenario(settings)
const fault = { kind: "kill", target: "core", atMillis: 1_000, lastsMillis: 0, amount: 0.5 }

describe("A plan in a file", () => {
  it("comes back as it was written", () => {
    const replay = { seed: "7", settings, plan: [fault] }

    assert.deepStrictEqual(Replay.read(Replay.write(replay)), { version: Replay.version, ...replay })
  })

  it("says whether what it finds is what was found", () => {
    const found = { invariant: "order", hash: "1" }
    assert.isUndefined(Replay.again(undefined, { hash: "1", violation: undefined }))
    assert.match(`${Replay.again(found, { hash: "1", violation: found })}`, /^the same, event by event/)
    assert.match(`${Replay.again(found, { hash: "2", violation: found })}`, /^the same promise .* other events/)
    assert.match(
      `${Replay.again(found, { hash: "2", violation: { invariant: "loss" } })}`,
      /^another promise .* order$/
    )
    assert.match(`${Replay.again(found, { hash: "2", violation: undefined })}`, /^nothing broke; .* order$/)
  })

  it("is refused when it is cut off, or asks for what no world has", () => {
    const text = Replay.write({ seed: "7", settings, plan: [fault] })
    const others = [
      "",
      text.slice(0, -20),
      text.replace(`"agents": 3`, `"agents": 0`),
      text.replace(`"hours": 0.5`, `"hours": 1e9`),
      text.replace(`"atMillis": 1000`, `"atMillis": -1`),
      text.replace(`"agents": 3`, `"agents": 3, "flavour": 3`),
      text.replace(`"atMillis": 1000`, `"atMillis": 1000, "colour": 1`)
    ]

    assert.deepStrictEqual(others.map((one) => typeof Replay.read(one)), others.map(() => "string"))
  })

  it("is refused when it is of another version, or of a time without one", () => {
    const text = Replay.write({ seed: "7", settings, plan: [fault] })
    const others = [
      text.replace(`"version": ${Replay.version}`, `"version": 1`),
      text.replace(`"version": ${Replay.version},`, "")
    ]

    assert.deepStrictEqual(others.map(Replay.read), [
      `its version is 1, expected ${Replay.version}: it is a plan of other worlds`,
      `its version is missing, expected ${Replay.version}: it is a plan of other worlds`
    ])
  })

  it("says in one line where it has what no world knows", () => {
    const text = Replay.write({ seed: "7", settings, plan: [fault] })

    assert.strictEqual(
      Replay.read(text.replace(`"atMillis": 1000`, `"atMillis": 1000, "colour": 1`)),
      `Expected no excess property at ["plan"][0]["colour"]`
    )
    assert.strictEqual(
      Replay.read(text.replace(`"agents": 3`, `"agents": 3, "flavour": 3`)),
      `Expected no excess property at ["settings"]["flavour"]`
    )
  })

  it("that cannot be written is told in one line, from which it can be led", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "replay-"))
    const replay = { seed: "7", settings, plan: [fault] }
    const file = path.join(folder, "plan.json")

    const saved = Replay.save(file, replay)
    const refused = Replay.save(folder, replay) ?? ""
    const kept = fs.readFileSync(file, "utf8")
    fs.rmSync(folder, { recursive: true })

    assert.isUndefined(saved)
    assert.strictEqual(kept, Replay.write(replay))
    assert.match(refused, /^[^\n]* cannot be written, EISDIR[^\n]*$/)
    assert.deepStrictEqual(Replay.read(refused.slice(refused.indexOf("{"))), { version: Replay.version, ...replay })
  })

  it("can be led when it was drawn", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      assert.isUndefined(Replay.misfit(Simulation.planOf(Installation.scenario(settings), seed), kinds, settings.hours))
    }
  })

  it("cannot be led with a fault that its world does not know", () => {
    const misfit = (change: object) => Replay.misfit([fault, { ...fault, ...change }], kinds, settings.hours) ?? ""

    assert.match(misfit({ kind: "kil" }), /^fault 2: kind is kil, expected kill, restart, pause, /)
    assert.match(misfit({ kind: "constructor" }), /kind is constructor/)
    assert.match(misfit({ target: "agent-3" }), /target of kill is agent-3, expected poller-0, poller-1, core, /)
    assert.match(
      misfit({ kind: "partition", target: "poller-0" }),
      /other of partition poller-0 is not there, expected core$/
    )
    assert.strictEqual(misfit({ kind: "partition", target: "poller-0", other: "core" }), "")
    assert.strictEqual(misfit({ other: "moon" }), "fault 2: other of kill core is moon, expected none")
    assert.match(misfit({ atMillis: 1e12 }), /^fault 2: atMillis is 1000000000000, expected at most 1800000, /)
  })
})
