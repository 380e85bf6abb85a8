import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"

describe("A network", () => {
  it("tells of a connection that broke before its client knew of it, but not while the client takes it", () => {
    const world = new World({ seed: 1 })
    const network = new Network(world, Link.lan)
    const told: Array<string> = []
    for (const name of ["client", "server"]) world.addHost(name, { program: () => Effect.never }).start()
    const [client, server] = ["client", "server"].map((name) => world.hosts.get(name)?.process)
    if (client === undefined || server === undefined) return assert.fail("no process runs")
    network.listen(server, "80", () => {})

    network.dial(client, "server:80", 10_000, {
      opened: (socket) => {
        socket.onClose((reason) => told.push(reason))
        told.push("opened")
      },
      failed: (reason) => told.push(reason)
    })
    // The answer arrives at a client that does not run.
    client.pause()
    world.after(1_000, () => network.reset("client", "server"))
    world.after(2_000, () => client.resume())
    world.runUntil(3_000)

    assert.deepStrictEqual(told, ["opened", "the connection was reset"])
  })
})
