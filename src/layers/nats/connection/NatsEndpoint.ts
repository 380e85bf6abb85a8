/**
 * Where NATS is. As in `NATS_URL`: one or several `nats://` or `tls://` addresses separated by commas, which may name a user
 * and a password.
 */
import { Context, Layer } from "effect"
import * as Endpoint from "../../process/endpoint/Endpoint.ts"

export class NatsEndpoint extends Context.Service<NatsEndpoint, Endpoint.Endpoint>()(
  "serviceradar/layers/nats/NatsEndpoint"
) {
  /** With an address to begin with, or none until a server publishes its own. */
  static readonly layer = (...url: Parameters<typeof Endpoint.make>) =>
    Layer.effect(NatsEndpoint, Endpoint.make(...url))
}
