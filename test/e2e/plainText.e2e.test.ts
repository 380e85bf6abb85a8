/** What a program says of its ports in plain text that others can reach, as each of them is started by a user. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

/** Nobody listens there: what is looked at comes before the first connection. */
const nobody = "127.0.0.1:1"

/** The file of each program that listens on `grpc`. */
const files = {
  core: (grpc: string) => ({ grpc_addr: grpc }),
  agent: (grpc: string) => ({ agent_id: "edge-1", listen_addr: grpc }),
  poller: (grpc: string) => ({
    poller_id: "poller-1",
    listen_addr: grpc,
    core_address: nobody,
    agents: { a: { address: nobody, checks: [{ service_type: "port", service_name: "p", details: nobody }] } }
  }),
  "event-writer": (grpc: string) => ({
    listen_addr: grpc,
    nats_url: `nats://${nobody}`,
    stream_name: "events",
    consumer_name: "db-event-writer",
    streams: [{ subject: "events.>", table: "events" }],
    cnpg: { host: "127.0.0.1", port: 1, database: "d", username: "u", password: "p" }
  }),
  sync: (grpc: string) => ({
    listen_addr: grpc,
    kv_address: nobody,
    agent_id: "edge-1",
    poller_id: "poller-1",
    sources: { files: { type: "netbox", endpoint: `http://${nobody}`, prefix: "n/", credentials: { api_token: "t" } } }
  })
}

const programs = ["core", "agent", "poller", "event-writer", "sync"] as const

const environment = {
  DATABASE_URL: `postgresql://u@${nobody}/d`,
  NATS_URL: `nats://${nobody}`,
  SERVICERADAR_HTTP_TOKEN: "a-token-that-nobody-guesses"
}

/** What it has said when it serves both. */
const said = Effect.fnUntraced(function*(
  name: typeof programs[number],
  host: string,
  env: Readonly<Record<string, string>> = {}
) {
  const folder = yield* temporaryFolder
  const file = path.join(folder, `${name}.json`)
  const grpc = `${host}:${yield* Program.freePort}`
  const http = `${host}:${yield* Program.freePort}`
  yield* Effect.promise(() => fs.writeFile(file, JSON.stringify(files[name](grpc))))
  const program = yield* Program.start([name, "--config", file, "--http", http], { env: { ...environment, ...env } })
  const output = yield* Program.eventually(
    `${name} serves ${grpc} and ${http}`,
    Effect.sync(() =>
      Option.liftPredicate(program.output(), (text) => text.includes(`on ${grpc}`) && text.includes(`on ${http}`))
    ),
    { within: "20 seconds", programs: [program] }
  )
  // There is nothing to drain.
  yield* program.kill("SIGKILL")
  yield* program.exited
  return output
}, Effect.scoped)

const warnings = (output: string): ReadonlyArray<string> => output.match(/(gRPC|HTTP) serves \S+ in plain text/g) ?? []

describe("A port in plain text", () => {
  for (const name of programs) {
    it.live(`of ${name} that others can reach is warned of at the start`, () =>
      Effect.gen(function*() {
        const output = yield* said(name, "0.0.0.0")

        assert.sameMembers([...warnings(output)], [
          "gRPC serves 0.0.0.0 in plain text",
          "HTTP serves 0.0.0.0 in plain text"
        ])
        assert.include(output, "SERVICERADAR_SECURITY_MODE=development")
      }))
  }

  it.live("is no word worth on the loopback, nor where it is meant", () =>
    Effect.gen(function*() {
      const loopback = yield* said("agent", "127.0.0.1")
      const meant = yield* said("agent", "0.0.0.0", { SERVICERADAR_SECURITY_MODE: "development" })

      assert.deepStrictEqual([warnings(loopback), warnings(meant)], [[], []])
    }))
})
