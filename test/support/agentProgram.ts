/** `serviceradar agent` as a process of its own: the smallest program that serves gRPC and HTTP. */
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { get } from "./http.ts"
import * as Program from "./Program.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

export const start = Effect.fnUntraced(function*(options: Program.ProgramOptions = {}) {
  const folder = yield* temporaryFolder
  const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
  const config = path.join(folder, "agent.json")
  yield* Effect.promise(() =>
    fs.writeFile(config, JSON.stringify({ agent_id: "edge-1", listen_addr: `127.0.0.1:${ports.grpc}` }))
  )
  const program = yield* Program.start(["agent", "--config", config, "--http", `127.0.0.1:${ports.http}`], options)
  const isLive = Effect.map(
    Effect.timeoutOption(
      Effect.catchDefect(
        Effect.map(get(`127.0.0.1:${ports.http}`, "/health/live"), ({ status }) => status === 200),
        () => Effect.succeed(false)
      ),
      "2 seconds"
    ),
    Option.filter((live) => live)
  )
  yield* Program.eventually("the agent is live", isLive, { within: "20 seconds", programs: [program] })
  return { program, ports, isLive }
})
