import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import * as NatsServer from "../support/natsServer.ts"

const example = join(import.meta.dirname, "../../examples/jetstream-pipeline.ts")

const output = (url: string) =>
  Effect.promise(async () => {
    const env = { ...process.env, NATS_URL: url }
    const { stdout } = await promisify(execFile)(process.execPath, [example], { env, timeout: 60_000 })
    return stdout.trimEnd()
  })

describe("The example with a durable consumer of JetStream", () => {
  it.live("writes every message once, also those that met the store away, and leaves nothing on the server", () =>
    Effect.gen(function*() {
      const server = yield* NatsServer.start()

      const [first, second] = yield* Effect.all([output(server.url), output(server.url)])

      assert.match(first, /^\{ ok: 250, cpu: 125, memory: 125, cameAgain: [1-9]\d* \}$/)
      assert.match(second, /^\{ ok: 250, cpu: 125, memory: 125, cameAgain: [1-9]\d* \}$/)
    }).pipe(Effect.scoped, Effect.orDie))
})
