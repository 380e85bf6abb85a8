/** Tells webhooks of pollers that stop to report; nobody waits for them. */
import { Context, Effect } from "effect"
import type { PollerAlert } from "../../domain/core/PollerAlert.ts"

export class AlertWebhooks extends Context.Service<AlertWebhooks, {
  /** How many there are; without any nothing is sent. */
  readonly count: number
  /** Never waits and never fails; the oldest alert goes when too many wait. */
  readonly offer: (alert: PollerAlert) => Effect.Effect<void>
  /** Sends what is offered; for a supervisor. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/core/AlertWebhooks") {
  static readonly none = AlertWebhooks.of({ count: 0, offer: () => Effect.void, run: Effect.never })
}
