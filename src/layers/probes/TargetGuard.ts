/**
 * Names to addresses, of targets that this agent may probe: for every kind of probe, so that none has a way around.
 *
 * Of several addresses those that are denied are left out; a target of which nothing is left is denied, and an event says
 * so. A check that is denied is denied every few seconds: a few events tell of it.
 */
import { Clock, Effect, Option, Result } from "effect"
import * as TargetPolicy from "../../domain/monitoring/checks/TargetPolicy.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as NameLookup from "./NameLookup.ts"

const eventRate: TokenBucket.TokenBucketOptions = { perSecond: 0.2, burst: 10 }

export interface TargetGuard extends NameLookup.NameLookup {
  /** Why an address to which the host resolved must not be dialled. */
  readonly refusal: (host: string, address: string) => string | undefined
}

export const make = Effect.fnUntraced(
  function*(policy: TargetPolicy.TargetPolicy, names?: Pick<NameLookup.NameLookup, "resolve">) {
    const monitor = yield* SecurityMonitor
    const lookup = names ?? (yield* NameLookup.make())
    const events = TokenBucket.make(eventRate)

    const tell = Effect.fnUntraced(function*({ reason, target }: TargetPolicy.TargetDenied) {
      if (!events.take(yield* Clock.currentTimeMillis)) return
      yield* monitor.record(SecurityEvent.TargetDenied.make({ target, reason }))
    })

    const resolve = Effect.fnUntraced(function*(host: string) {
      yield* Effect.fromResult(TargetPolicy.judgeName(policy, host))
      const found = yield* lookup.resolve(host)
      const judged = found.map((one) => Result.map(TargetPolicy.judge(policy, host, one.address), () => one))
      const allowed = judged.flatMap((one) => Option.toArray(Result.getSuccess(one)))
      const [denied] = judged.flatMap((one) => Option.toArray(Result.getFailure(one)))
      return allowed.length === 0 && denied !== undefined ? yield* denied : allowed
    })

    const guard: TargetGuard = {
      resolve: (host) =>
        resolve(host).pipe(Effect.tapError((error) => error._tag === "TargetDenied" ? tell(error) : Effect.void)),
      passOn: (name) => Effect.tapError(Effect.fromResult(TargetPolicy.judgeUnresolved(policy, name)), tell),
      refusal: (host, address) =>
        Result.match(TargetPolicy.judge(policy, host, address), {
          onFailure: ({ reason }) => reason,
          onSuccess: () => undefined
        })
    }
    return guard
  }
)
