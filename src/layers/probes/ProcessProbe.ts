/**
 * `process`: does a process or a systemd unit of that name run?
 *
 * Where systemd is the init system its answer decides first, as in the Go agent; a process found in `/proc` counts as
 * well, so machines without systemd (containers above all) have the check too. Zombies do not count.
 */
import { Clock, Duration, Effect, FileSystem, Option, Result } from "effect"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import { parseProcessName } from "../../domain/monitoring/checks/ProbeTarget.ts"
import { matchesName } from "../../domain/monitoring/host/ProcessTable.ts"
import type { Prepare } from "../../services/monitoring/Prober.ts"
import type { Commands } from "./Command.ts"
import * as ProcessList from "./ProcessList.ts"

/** Beyond the limits of the two steps, which say more about what went wrong. */
const slack = Duration.seconds(1)

/** Present exactly when systemd is the running init system; see sd_booted(3). */
const systemdFolder = "/run/systemd/system"

/** `Some` with the unit's state where systemd runs the machine. */
const unitState = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, commands: Commands, name: string) {
  if (!(yield* fs.exists(systemdFolder).pipe(Effect.orElseSucceed(() => false)))) return Option.none<string>()
  return yield* commands.run("systemctl", ["is-active", "--", name]).pipe(
    Effect.match({
      onSuccess: ({ stdout }) => Option.some(stdout.trim() === "" ? "unknown" : stdout.trim()),
      onFailure: (error) => Option.some(`unknown (${error.message})`)
    })
  )
})

export interface ProcessOptions {
  readonly commands: Commands
  readonly processes: ProcessList.ProcessList
}

export const prepare = ({ commands, processes }: ProcessOptions): Prepare<FileSystem.FileSystem> =>
  Effect.fnUntraced(function*(request) {
    const fs = yield* FileSystem.FileSystem
    const name = yield* Effect.fromResult(
      parseProcessName(request.details.trim() === "" ? request.serviceName : request.details)
    )
    return {
      timeout: Duration.sum(Duration.sum(commands.timeMax, ProcessList.timeout), slack),
      failed: (reason) => ProbeResult.processInactive(name, reason),
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const unit = yield* unitState(fs, commands, name)
        const isActive = Option.contains(unit, "active")
          ? Result.succeed(true)
          : yield* Effect.result(
            Effect.map(processes, (found) => found.some((one) => matchesName(name, one.name, one.commandLine)))
          )
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        if (Result.isFailure(isActive)) return ProbeResult.processInactive(name, isActive.failure.message, elapsedNanos)
        if (isActive.success) return ProbeResult.processActive(name, request, elapsedNanos)
        const reason = Option.match(unit, {
          onNone: () => "no process of that name",
          onSome: (state) => `unit is ${state} and there is no process of that name`
        })
        return ProbeResult.processInactive(name, reason, elapsedNanos)
      })
    }
  })
