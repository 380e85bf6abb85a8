/** What an agent answered, as the plugins of this poller want it reported; as it is, where there are none. */
import { Context, Effect, type Scope } from "effect"
import type { PollSubject } from "../../../domain/monitoring/reports/PolledStatus.ts"
import type { Input, PluginKind } from "../../../domain/poller/plugins/PluginContract.ts"
import type { StatusReply } from "../AgentClient.ts"
import type { PluginSlot } from "./PluginSlot.ts"

/** In the order in which they are asked. */
export type Slots = () => ReadonlyArray<Pick<PluginSlot, "isFor" | "run">>

export interface Plugins {
  readonly slots: Slots
  /** These are asked from now on, in place of those before, until the scope ends or others take their place. */
  readonly use: (slots: Slots) => Effect.Effect<void, never, Scope.Scope>
}

const none: Slots = () => []

export const make = (): Plugins => {
  let current = none
  return {
    slots: () => current(),
    use: (slots) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          current = slots
        }),
        () =>
          Effect.sync(() => {
            if (current === slots) current = none
          })
      )
  }
}

export const ReplyPlugins = Context.Reference<Plugins>("serviceradar/services/poller/plugins/ReplyPlugins", {
  defaultValue: () => ({ slots: none, use: () => Effect.void })
})

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Costs next to nothing where no plugin is for it. */
export const apply = <A extends StatusReply>(subject: PollSubject, reply: A): Effect.Effect<A> =>
  Effect.flatMap(ReplyPlugins, (plugins) => {
    const all = plugins.slots()
    if (all.length === 0) return Effect.succeed(reply)
    const kind: PluginKind = subject.source === "results" ? "results" : "check"
    const slots = all.filter((slot) => slot.isFor(kind, subject.check.serviceType))
    return slots.length === 0 ? Effect.succeed(reply) : askAll(slots, subject, reply)
  })

const askAll = Effect.fnUntraced(function*<A extends StatusReply>(
  slots: ReturnType<Plugins["slots"]>,
  { agentId, check: { serviceName, serviceType } }: PollSubject,
  reply: A
) {
  const message = decoder.decode(reply.message)
  let input: Input = {
    agentId,
    serviceType,
    serviceName,
    available: reply.available,
    message,
    responseTimeMillis: Number(reply.responseTimeNanos) / 1e6
  }
  for (const slot of slots) input = yield* slot.run(input)
  return {
    ...reply,
    available: input.available,
    message: input.message === message ? reply.message : encoder.encode(input.message)
  }
})
