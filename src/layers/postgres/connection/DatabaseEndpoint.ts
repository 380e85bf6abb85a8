/** Where the database is: a `postgresql://` address, which may carry a password. */
import { Context, Layer } from "effect"
import * as Endpoint from "../../process/endpoint/Endpoint.ts"

export class DatabaseEndpoint extends Context.Service<DatabaseEndpoint, Endpoint.Endpoint>()(
  "serviceradar/layers/postgres/DatabaseEndpoint"
) {
  /** With an address to begin with, or none until a server publishes its own. */
  static readonly layer = (...url: Parameters<typeof Endpoint.make>) =>
    Layer.effect(DatabaseEndpoint, Endpoint.make(...url))
}
