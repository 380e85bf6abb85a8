/** What counts as having heard of what a package was made for. */
import { assert, describe, it } from "@effect/vitest"
import * as Activation from "../../../src/domain/edge/Activation.ts"
import { AgentId, PollerId, ServiceName } from "../../../src/domain/monitoring/Ids.ts"

const awaited = (
  componentType: Activation.Awaited["componentType"],
  componentId: string,
  more: Partial<Activation.Awaited> = {}
): Activation.Awaited => ({ id: "1", componentId, componentType, parentId: null, pollerId: componentId, ...more })

const heard = (pollerId: string, peer: string | undefined, agentId = "a1", available = true): Activation.Heard => ({
  peer,
  report: {
    pollerId: PollerId.make(pollerId),
    sourceIp: "127.0.0.1",
    statuses: [{ agentId: AgentId.make(agentId), serviceName: ServiceName.make("disk"), available }]
  }
})

describe("A component of a package", () => {
  it("that is a poller is heard of by its own report, with its own certificate where there is one", () => {
    const poller = awaited("poller", "edge-7")
    assert.isTrue(Activation.isHeard(poller, heard("edge-7", undefined)))
    assert.isTrue(Activation.isHeard(poller, heard("edge-7", "edge-7.poller.serviceradar")))
    for (const other of ["poller.serviceradar", "edge-8.poller.serviceradar", ""]) {
      assert.isFalse(Activation.isHeard(poller, heard("edge-7", other)), other)
    }
    assert.isFalse(Activation.isHeard(poller, heard("edge-8", "edge-7.poller.serviceradar")))
    // Somebody's agent of that name is no poller.
    assert.isFalse(Activation.isHeard(poller, heard("p", undefined, "edge-7")))
  })

  it("that is an agent is heard of by what its own poller got from it", () => {
    const agent = awaited("agent", "a1", { parentId: "edge-7", pollerId: "edge-7" })
    assert.isTrue(Activation.isHeard(agent, heard("edge-7", "edge-7.poller.serviceradar")))
    assert.isFalse(Activation.isHeard(agent, heard("edge-7", undefined, "a1", false)))
    assert.isFalse(Activation.isHeard(agent, heard("edge-7", undefined, "a2")))
    assert.isFalse(Activation.isHeard(agent, heard("edge-8", undefined)))
  })

  it("that is a checker is heard of by what its agent asked it", () => {
    const checker = awaited("checker", "disk", { parentId: "a1" })
    assert.isTrue(Activation.isHeard(checker, heard("edge-7", undefined)))
    assert.isFalse(Activation.isHeard(checker, heard("edge-7", undefined, "a2")))
    assert.isFalse(Activation.isHeard(checker, heard("edge-7", undefined, "a1", false)))
    assert.isFalse(Activation.isHeard(awaited("checker", "other", { parentId: "a1" }), heard("edge-7", undefined)))
  })
})
