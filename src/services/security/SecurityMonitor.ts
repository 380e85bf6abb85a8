/**
 * Where security events go: the log at once, one JSON line each where logs are JSON, the metrics, a window of the last
 * 300 s that readiness can summarise, and for critical ones the alerts.
 *
 * Recording never waits and never fails. Alerts are a bounded queue: when it is full the newest are left out, counted, and
 * still in the log.
 */
import { Clock, Context, Duration, Effect, Layer, Metric, Queue, Schedule, Schema } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as EventWindow from "../../domain/security/EventWindow.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { variable } from "./CurrentSecurityMode.ts"
import * as SecurityMetrics from "./SecurityMetrics.ts"

export class AlertError extends Schema.TaggedError<AlertError>()("AlertError", { reason: Schema.String }) {
  override get message(): string {
    return `the security alert was not delivered: ${this.reason}`
  }
}

export interface SecurityAlert {
  readonly atMillis: number
  readonly event: SecurityEvent.SecurityEvent
}

/** Tells somebody outside; nobody unless a layer says whom. */
export const SecurityAlerts = Context.Reference<(alert: SecurityAlert) => Effect.Effect<void, AlertError>>(
  "serviceradar/services/security/SecurityMonitor/SecurityAlerts",
  { defaultValue: () => () => Effect.void }
)

export class SecurityMonitor extends Context.Service<SecurityMonitor, {
  readonly record: (event: SecurityEvent.SecurityEvent) => Effect.Effect<void>
  readonly summary: Effect.Effect<EventWindow.EventSummary>
  /**
   * Warns of connections in plain text, to or from a host of this name, that nobody has asked for. Said once for each
   * direction: a poller may dial thousands of agents.
   */
  readonly warnOfPlainText: (direction: PlainTextDirection, host: string) => Effect.Effect<void>
  /** Delivers alerts; for a supervisor. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar/services/security/SecurityMonitor") {
  static readonly layer: Layer.Layer<SecurityMonitor> = Layer.effect(SecurityMonitor, Effect.suspend(() => make))
}

export type PlainTextDirection = "listen" | "dial" | "serve HTTP"

const whats: Readonly<Record<PlainTextDirection, (host: string) => string>> = {
  listen: (host) =>
    `gRPC serves ${host} in plain text: everybody on the network may call, read and change what is sent`,
  dial: (host) =>
    `gRPC dials ${host}, and perhaps others, in plain text: whoever is on the way, or has taken the address, may read ` +
    "and change what is sent",
  "serve HTTP": (host) =>
    `HTTP serves ${host} in plain text: whoever is on the way may read the bearer token and what is asked with it`
}

const plainTextWarning = (direction: PlainTextDirection, host: string): string =>
  `${whats[direction](host)}. Configure certificates (serviceradar certs), or say that it is meant with ` +
  `${variable}=development`

const alertsMax = 256

const deliveryLimit = Duration.seconds(10)

/** Half a minute in all, then the next one has its turn. */
const retry = Schedule.upTo(Backoff.capped({ from: "500 millis", to: "8 seconds" }), { times: 5 })

const log = (event: SecurityEvent.SecurityEvent) => {
  const record = SecurityEvent.toRecord(event)
  const text = `security: ${SecurityEvent.names[event._tag]}`
  return (SecurityEvent.isCritical(event) ? Effect.logWarning(text) : Effect.logInfo(text)).pipe(
    Effect.annotateLogs(record)
  )
}

const make = Effect.gen(function*() {
  const window = EventWindow.make()
  const warned = new Set<PlainTextDirection>()
  const alerts = yield* Queue.dropping<SecurityAlert>(alertsMax)
  const deliver = yield* SecurityAlerts
  return SecurityMonitor.of({
    record: Effect.fnUntraced(function*(event) {
      const atMillis = yield* Clock.currentTimeMillis
      window.add(event, yield* Monotonic.millis)
      yield* SecurityMetrics.count(event)
      yield* log(event)
      if (!SecurityEvent.isCritical(event)) return
      if (!Queue.offerUnsafe(alerts, { atMillis, event })) yield* Metric.update(SecurityMetrics.alertsDropped, 1)
    }),
    summary: Effect.map(Monotonic.millis, (now) => window.summary(now)),
    warnOfPlainText: (direction, host) =>
      Effect.suspend(() => {
        if (warned.has(direction)) return Effect.void
        warned.add(direction)
        return Effect.logWarning(plainTextWarning(direction, host))
      }),
    keep: Effect.forever(
      Effect.flatMap(Queue.take(alerts), (alert) =>
        deliver(alert).pipe(
          Effect.timeoutOrElse({
            duration: deliveryLimit,
            orElse: () => Effect.fail(new AlertError({ reason: `no answer within ${Duration.format(deliveryLimit)}` }))
          }),
          Effect.retry(retry),
          Effect.catch((error) =>
            Effect.andThen(Metric.update(SecurityMetrics.alertsFailed, 1), Effect.logError(error.message))
          )
        ))
    )
  })
})
