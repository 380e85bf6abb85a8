/** What a program says of its own certificate when it starts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Authority from "../support/authority.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const day = 24 * 3_600_000

/** An agent whose certificate ends then, as far from now. */
const agent = Effect.fnUntraced(function*(endsInMillis: number) {
  const folder = yield* temporaryFolder
  const ca = Authority.authority()
  const issued = ca.issue({}, Authority.validFor(-30 * day, endsInMillis))
  const file = path.join(folder, "agent.json")
  const config = {
    agent_id: "edge-1",
    listen_addr: `127.0.0.1:${yield* Program.freePort}`,
    security: {
      mode: "mtls",
      cert_dir: folder,
      role: "agent",
      tls: { cert_file: "agent.pem", key_file: "agent-key.pem", ca_file: "root.pem" }
    }
  }
  yield* Effect.promise(async () => {
    await Authority.write(folder, "agent", issued, ca.root)
    await fs.writeFile(file, JSON.stringify(config))
  })
  return yield* Program.start(["agent", "--config", file, "--http", "off"])
})

describe("A program whose own certificate", () => {
  it.live("has expired does not start, and names the file and the day", () =>
    Effect.gen(function*() {
      const program = yield* agent(-day)

      assert.strictEqual(yield* Effect.timeout(program.exited, "20 seconds"), 2)
      assert.match(program.output(), /agent\.pem: has expired on \d{4}-\d\d-\d\d/)
    }).pipe(Effect.scoped))

  it.live("ends within a week says so, and serves", () =>
    Effect.gen(function*() {
      const program = yield* agent(5 * day)
      const output = yield* Program.eventually(
        "it serves, and has warned",
        Effect.sync(() =>
          Option.liftPredicate(
            program.output(),
            (text) => text.includes("serves gRPC on") && text.includes("certificate_expiring")
          )
        ),
        { within: "20 seconds", programs: [program] }
      )

      assert.match(output, /certificate_expiring.*agent\.serviceradar/)
    }).pipe(Effect.scoped))
})
