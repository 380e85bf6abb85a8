/**
 * What this machine knows of addresses: its own, and those of names.
 */
import { Context, type Effect, type Option } from "effect"

export class HostNetwork extends Context.Service<HostNetwork, {
  /** The first address of the name, IPv4 preferred; none when it does not resolve in time. */
  readonly resolve: (name: string) => Effect.Effect<Option.Option<string>>
  /** IPv4 addresses of interfaces that are up, without loopback. */
  readonly addresses: Effect.Effect<ReadonlyArray<string>>
}>()("serviceradar/services/poller/HostNetwork") {}
