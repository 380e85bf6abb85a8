/** Tells webhooks of pollers that stop to report; nobody waits for them. */
import { Context, Effect } from "effect"
import type { PollerAlert } from "../../domain/core/PollerAlert.ts"

export class AlertWebhooks extends Context.Service<AlertWebhooks, {
  /** How many there are; without any nothing is sent. */
  readonly count: number
  /**
   * Never waits and never fails; the oldest alert goes when too many wait. `told` runs when all webhooks have answered; not
   * at all when one was not told.
   */
  readonly offer: (alert: PollerAlert, told: Effect.Effect<void>) => Effect.Effect<void>
  /** Sends what is offered; for a supervisor. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/core/AlertWebhooks") {
  static readonly none = AlertWebhooks.of({ count: 0, offer: (_, told) => told, run: Effect.never })
}
