import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Redacted, References, Schedule } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { TestClock } from "effect/testing"
import * as http from "node:http"
import * as PollerAlert from "../../../src/domain/core/PollerAlert.ts"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import * as HttpWebhooks from "../../../src/layers/core/HttpWebhooks.ts"
import { AlertWebhooks } from "../../../src/services/core/AlertWebhooks.ts"
import * as WallClock from "../../support/WallClock.ts"
import { listening, portOf } from "../probes/probing.ts"

const alert = PollerAlert.of({
  pollerId: PollerId.make("p"),
  isMissed: true,
  atMillis: 60_000,
  silenceMillis: 100_900
}, "vm")

const until = (holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeout("10 seconds")
  )

describe("HttpWebhooks", () => {
  it.live("posts the body of the existing core, again when it was not taken, and not within the cooldown", () =>
    Effect.gen(function*() {
      const received: Array<{ readonly headers: http.IncomingHttpHeaders; readonly body: string }> = []
      let failures = 1
      let told = 0
      const server = yield* listening(() =>
        http.createServer((request, response) => {
          let body = ""
          request.on("data", (part: Buffer) => body += part.toString())
          request.on("end", () => {
            response.writeHead(failures-- > 0 ? 503 : 204).end()
            if (failures < 0) received.push({ headers: request.headers, body })
          })
        })
      )
      const webhook = {
        url: Redacted.make(`http://127.0.0.1:${portOf(server)}/hook?token=secret`),
        headers: { authorization: "Bearer x" },
        cooldown: Duration.minutes(15)
      }
      yield* Effect.gen(function*() {
        const webhooks = yield* AlertWebhooks
        yield* Effect.forkChild(webhooks.run)
        const offer = webhooks.offer(alert, Effect.sync(() => void (told += 1)))
        yield* Effect.andThen(offer, offer)
        // The second is not sent, and so told as soon as it has its turn.
        yield* until(() => told === 2)
      }).pipe(Effect.provide(HttpWebhooks.layer([webhook])))

      assert.lengthOf(received, 1)
      assert.strictEqual(received[0]?.headers.authorization, "Bearer x")
      assert.deepStrictEqual(JSON.parse(received[0]?.body ?? ""), {
        level: "error",
        title: "Poller Offline",
        message: "Poller 'p' is offline",
        timestamp: "1970-01-01T00:01:00Z",
        poller_id: "p",
        details: { duration: "1m40.9s", hostname: "vm" }
      })
    }).pipe(Effect.scoped))

  it.effect("tells again at once of what was not taken, and is silent no longer where the clock is set back", () =>
    Effect.gen(function*() {
      const wall = yield* WallClock.settable
      const posts: Array<number> = []
      let status = 503
      const fetch: typeof globalThis.fetch = () => {
        posts.push(status)
        return Promise.resolve(new Response(null, { status }))
      }
      let told = 0
      const webhook = { url: Redacted.make("http://127.0.0.1/hook"), headers: {}, cooldown: Duration.minutes(15) }
      yield* Effect.gen(function*() {
        const webhooks = yield* AlertWebhooks
        yield* Effect.forkChild(webhooks.run, { startImmediately: true })
        const offer = webhooks.offer(alert, Effect.sync(() => void (told += 1)))
        const passed = (millis: number) =>
          // What fetch promises has its turn between the steps.
          Effect.repeat(Effect.andThen(TestClock.adjust(millis / 100), Effect.yieldNow), { times: 99 })
        yield* offer
        yield* passed(60_000)
        const untaken = [posts.length > 1, told]
        status = 204
        yield* offer
        yield* passed(1_000)
        const taken = [posts.at(-1), told]
        const before = posts.length
        yield* offer
        yield* passed(1_000)
        const cooling = posts.length - before
        yield* wall.set(-3_600_000)
        yield* passed(900_000)
        yield* offer
        yield* passed(1_000)

        assert.deepStrictEqual(untaken, [true, 0])
        assert.deepStrictEqual(taken, [204, 1])
        assert.deepStrictEqual([cooling, posts.length - before], [0, 1])
      }).pipe(
        Effect.provide(HttpWebhooks.layer([webhook])),
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.provideService(Clock.Clock, wall.clock)
      )
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
})
