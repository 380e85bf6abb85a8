/** What goes over the wire beyond the payload when an inventory comes from an agent and goes on to core. */
import * as net from "node:net"
import type { Question } from "./Protocol.ts"
import { pause, say, type Settings, withWorld } from "./World.ts"

/** Passes everything on and counts it, in both directions. */
const countingProxy = async (target: number) => {
  let bytes = 0
  const count = (part: Buffer) => {
    bytes += part.length
  }
  const server = net.createServer((client) => {
    const upstream = net.connect(target, "127.0.0.1")
    upstream.on("data", count)
    client.on("data", count)
    client.pipe(upstream).pipe(client)
    client.on("error", () => upstream.destroy())
    upstream.on("error", () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const bound = server.address()
  return { port: typeof bound === "object" ? bound?.port ?? 0 : 0, bytes: () => bytes, stop: () => server.close() }
}

export interface Overhead {
  readonly payloadBytes: number
  readonly agentPercent: number
  readonly corePercent: number
}

export const overhead = (settings: Settings, devices: number): Promise<Overhead> =>
  withWorld(settings, async (world) => {
    say(`${devices} devices from an agent to core`)
    const agent = await world.group({ ports: [0], devices })
    const toAgent = await countingProxy(agent.ports[0] ?? 0)
    const toCore = await countingProxy(Number(world.coreAddress.split(":")[1]))
    world.poller({
      pollerId: "wire",
      agents: [toAgent.port],
      interval: 3_600,
      coreAddress: `127.0.0.1:${toCore.port}`,
      checks: [{ service_type: "sync", service_name: "sync", details: "", results_interval: "1h" }]
    })
    const deadline = performance.now() + 120_000
    let reported = await world.reported()
    while (reported.messageBytes < devices * 100) {
      if (performance.now() > deadline) throw new Error("core did not get the devices within two minutes")
      await pause(0.5)
      reported = await world.reported()
    }
    await pause(1)
    reported = await world.reported()
    const payloadBytes: number = JSON.parse(await agent.process.ask({ ask: "bytes" } satisfies Question))
    toAgent.stop()
    toCore.stop()
    const result = {
      payloadBytes,
      agentPercent: (toAgent.bytes() / payloadBytes - 1) * 100,
      corePercent: (toCore.bytes() / reported.messageBytes - 1) * 100
    }
    say(JSON.stringify(result))
    return result
  })
