import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import * as PolledStatus from "../../../../src/domain/monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"
import * as ReplyThread from "../../../../src/layers/poller/replies/ReplyThread.ts"
import * as LargeReplies from "../../../../src/services/poller/polls/LargeReplies.ts"
import { agent, check, poller, textOf } from "../../../services/poller/statuses.ts"

const subject: PolledStatus.PollSubject = {
  poller: { ...poller, kvStoreId: "" },
  agentId: agent("edge-1", "", []).agentId,
  host: { ip: Option.some("198.51.100.7"), name: "edge" },
  check: check("ssh", { details: "" }),
  source: "getStatus"
}

const reply = (message: string): PolledStatus.Reply => ({
  available: true,
  message: new TextEncoder().encode(message),
  responseTimeNanos: 7n,
  agentId: "edge-2"
})

const rows = (count: number): string =>
  JSON.stringify({ rows: Array.from({ length: count }, (_, row) => ({ row, name: "a name of a row in a table" })) })

const statusOf = (message: string) => LargeReplies.statusOf(subject, reply(message))

describe("ReplyThread", () => {
  it.live("answers what is made of an answer in place", () =>
    Effect.gen(function*() {
      const messages = [
        rows(20_000),
        `"${"x".repeat(100_000)}"`,
        "not JSON ".repeat(20_000),
        `{"nul":"\\u0000","text":"${"\u{1F600}".repeat(40_000)}"}`
      ]
      const read = yield* Effect.forEach(messages, statusOf, { concurrency: 2 })

      const expected = messages.map((message) => PolledStatus.fromReply(subject, reply(message)))
      assert.deepStrictEqual(read.map(textOf), expected.map(textOf))
      const silent = (status: ServiceStatus) => ({ ...status, message: new Uint8Array() })
      assert.deepStrictEqual(read.map(silent), expected.map(silent))
    }).pipe(Effect.provide(ReplyThread.layer())))

  it.live("calls a check unavailable whose answer is not read in time", () =>
    Effect.gen(function*() {
      const hit = yield* statusOf(rows(20_000))

      assert.isFalse(hit.available)
      assert.match(textOf(hit), /an answer of \d+ bytes could not be read: it took longer than 1ms/)
    }).pipe(Effect.provide(ReplyThread.layer(Duration.millis(1)))))
})
