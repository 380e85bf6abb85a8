/**
 * Posts alerts to webhooks, one after another and each to all of them at once, with the body of the existing core.
 *
 * An alert of the same title about the same poller is not repeated within a webhook's cooldown. One that is not taken is
 * tried again for about half a minute, and then the log has it; core offers it once more when it starts again.
 */
import { Clock, Duration, Effect, Layer, Queue, Redacted, Schedule } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { PollerAlert } from "../../domain/core/PollerAlert.ts"
import type { Webhook } from "../../domain/core/WebhookConfig.ts"
import { AlertWebhooks } from "../../services/core/AlertWebhooks.ts"

const waitingMax = 1_000
const timeout = "10 seconds"
const again = Schedule.upTo(Backoff.capped({ from: "1 second", to: "10 seconds" }), { duration: "30 seconds" })
/** Titles and pollers remembered for the cooldown. */
const rememberedMax = 10_000

/** Remembers when a webhook was told of what. */
const cooling = ({ cooldown }: Webhook) => {
  const told = new Map<string, number>()
  return ({ poller_id, title }: PollerAlert, nowMillis: number): boolean => {
    const key = `${title} ${poller_id}`
    const before = told.get(key)
    if (before !== undefined && nowMillis - before < Duration.toMillis(cooldown)) return true
    if (told.size >= rememberedMax) told.clear()
    told.set(key, nowMillis)
    return false
  }
}

const originOf = ({ url }: Webhook): string => URL.parse(Redacted.value(url))?.origin ?? ""

/** Whether it was taken. */
const post = Effect.fnUntraced(function*(webhook: Webhook, alert: PollerAlert) {
  const client = yield* HttpClient.HttpClient
  const request = HttpClientRequest.post(Redacted.value(webhook.url)).pipe(
    HttpClientRequest.bodyJsonUnsafe(alert),
    HttpClientRequest.setHeaders(webhook.headers)
  )
  return yield* client.execute(request).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.timeout(timeout),
    Effect.retry(again),
    Effect.as(true),
    Effect.catch((error) =>
      Effect.as(
        Effect.logError(
          `The webhook at ${originOf(webhook)} was not told "${alert.title}" of ${alert.poller_id}, ` +
            `and will be at the next start: ${error._tag}`
        ),
        false
      )
    ),
    // Its address may carry a token.
    Effect.withTracerEnabled(false),
    Effect.scoped
  )
})

interface Offered {
  readonly alert: PollerAlert
  readonly told: Effect.Effect<void>
}

export const layer = (webhooks: ReadonlyArray<Webhook>): Layer.Layer<AlertWebhooks> =>
  webhooks.length === 0 ? Layer.succeed(AlertWebhooks, AlertWebhooks.none) : Layer.effect(
    AlertWebhooks,
    Effect.gen(function*() {
      const waiting = yield* Queue.sliding<Offered>(waitingMax)
      const targets = webhooks.map((webhook) => ({ webhook, isCooling: cooling(webhook) }))
      const send = Effect.fnUntraced(function*({ alert, told }: Offered) {
        const nowMillis = yield* Clock.currentTimeMillis
        const due = targets.filter(({ isCooling }) => !isCooling(alert, nowMillis))
        const taken = yield* Effect.forEach(due, ({ webhook }) => post(webhook, alert), { concurrency: "unbounded" })
        if (taken.every((isTaken) => isTaken)) yield* told
      })
      return AlertWebhooks.of({
        count: webhooks.length,
        offer: (alert, told) => Effect.asVoid(Queue.offer(waiting, { alert, told })),
        run: Effect.forever(Effect.flatMap(Queue.take(waiting), send)).pipe(Effect.provide(FetchHttpClient.layer))
      })
    })
  )
