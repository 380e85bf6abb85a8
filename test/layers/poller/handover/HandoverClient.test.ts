import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Queue, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { AgentId, PollerId } from "../../../../src/domain/monitoring/Ids.ts"
import * as HandoverMessage from "../../../../src/domain/poller/handover/HandoverMessage.ts"
import * as HandoverClient from "../../../../src/layers/poller/handover/HandoverClient.ts"
import * as HandoverSocket from "../../../../src/layers/poller/handover/HandoverSocket.ts"
import * as AgentLink from "../../../../src/services/poller/AgentLink.ts"
import * as Lease from "../../../../src/services/poller/handover/Lease.ts"
import { agent, check, poller } from "../../../services/poller/statuses.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const decode = Schema.decodeResult(HandoverMessage.fromNewLine)
const encode = Schema.encodeSync(HandoverMessage.fromOldLine)

const names = ["agent-1", "agent-2", "slow", "agent-3"]

const released = (name: string, sinceMillis: number): HandoverMessage.FromOld => ({
  _tag: "Released",
  agentId: AgentId.make(name),
  checks: [{
    ...check("a"),
    sinceMillis,
    available: true,
    sequence: ""
  }]
})

/** An old poller that answers as it is told to: what it says to one message, and whether it ends. */
const old = Effect.fnUntraced(function*(
  answer: (message: HandoverMessage.FromNew, asked: number) => ReadonlyArray<HandoverMessage.FromOld> | "end"
) {
  const folder = yield* temporaryFolder
  const asks = new Map<string, number>()
  const heard = yield* Queue.unbounded<string>()
  yield* HandoverSocket.node.listen(folder, ({ lines, send }) =>
    Effect.gen(function*() {
      for (;;) {
        const line = yield* Effect.result(Queue.take(lines))
        const message = Result.isSuccess(line) ? decode(line.success) : undefined
        if (message === undefined || Result.isFailure(message)) return
        const what = message.success._tag === "Release" ? message.success.agentId : message.success._tag
        const asked = (asks.get(what) ?? 0) + 1
        asks.set(what, asked)
        const said = message.success._tag === "Hello"
          ? [{ _tag: "Welcome", protocol: 1, pid: 1, agentIds: names.map((name) => AgentId.make(name)) } as const]
          : answer(message.success, asked)
        if (said === "end") return
        yield* Effect.forEach(said, (one) => send(encode(one)), { discard: true })
        yield* Queue.offer(heard, `${what} ${asked}`)
      }
    }))
  const until = (what: string): Effect.Effect<void> =>
    Effect.flatMap(Queue.take(heard), (next) => next === what ? Effect.void : until(what))
  const found = yield* HandoverClient.find(folder, PollerId.make("poller-1"))
  const { takeOver } = Option.getOrThrow(found)
  const links = names.map((name) =>
    AgentLink.make({
      agent: agent(name, "192.0.2.1:50051", [check("a")]),
      poller,
      pollInterval: Duration.seconds(30),
      lease: Lease.make(false)
    })
  )
  for (const link of links) link.isKnown.openUnsafe()
  const taking = yield* Effect.forkChild(Effect.result(takeOver(Effect.succeed(links))), { startImmediately: true })
  return { links, taking, until }
})

const isHeld = ({ lease }: AgentLink.AgentLink): boolean => lease.isHeld.isOpen()

const nobodyOf = (links: ReadonlyArray<AgentLink.AgentLink>) => links.filter((link) => !isHeld(link))

describe("A poller that takes over", () => {
  it.effect("asks once more for an agent that is not let go in time, and takes the others meanwhile", () =>
    Effect.gen(function*() {
      const { links, taking, until } = yield* old((message, asked) => {
        if (message._tag !== "Release") return "end"
        return message.agentId === "slow" && asked === 1 ? [] : [released(message.agentId, 0)]
      })
      yield* Effect.forEach(
        links.filter(({ terms }) => terms.agent.agentId !== "slow"),
        ({ lease }) => lease.isHeld.await,
        { discard: true }
      )
      assert.deepStrictEqual(nobodyOf(links).map(({ terms }) => terms.agent.agentId), [AgentId.make("slow")])

      yield* TestClock.adjust("10 seconds")
      yield* until("slow 2")
      assert.isTrue(Result.isSuccess(yield* Fiber.join(taking)))
      assert.deepStrictEqual(nobodyOf(links), [])
    }))

  it.effect("goes on without one that is asked for in vain, and takes it with its place in the interval at the end", () =>
    Effect.gen(function*() {
      const { links, taking, until } = yield* old((message) => {
        if (message._tag === "Finish") return [released("slow", 12_000)]
        if (message._tag !== "Release") return "end"
        return message.agentId === "slow" ? [] : [released(message.agentId, 0)]
      })
      for (const asked of [1, 2, 3]) {
        yield* until(`slow ${asked}`)
        yield* TestClock.adjust("10 seconds")
      }
      yield* until("Finish 1")
      yield* Effect.forEach(links, ({ lease }) => lease.isHeld.await, { discard: true })
      const slow = links.find(({ terms }) => terms.agent.agentId === "slow")
      const now = 30_000
      assert.strictEqual(slow?.checks[0]?.runs.dueMillis, now - 12_000 + 30_000)
      // The old one does not end: it has let all go.
      yield* TestClock.adjust("20 seconds")
      assert.isTrue(Result.isSuccess(yield* Fiber.join(taking)))
    }))

  it.effect("gives up on one that says nothing at all", () =>
    Effect.gen(function*() {
      const { links, taking, until } = yield* old(() => [])
      for (const asked of [1, 2, 3]) {
        yield* until(`slow ${asked}`)
        yield* TestClock.adjust("10 seconds")
      }
      const outcome = yield* Fiber.join(taking)
      assert.isTrue(Result.isFailure(outcome))
      if (Result.isFailure(outcome)) assert.match(outcome.failure.message, /does not let agent .* go, nor any other/)
      assert.strictEqual(nobodyOf(links).length, names.length)
    }))
})
