/**
 * `process`: does a process or a systemd unit of that name run?
 *
 * Where systemd is the init system its answer decides first, as in the Go agent; a process found in `/proc` counts as
 * well, so machines without systemd (containers above all) have the check too. Zombies do not count.
 */
import { Clock, Duration, Effect, FileSystem, Option } from "effect"
import * as Outcome from "../../domain/monitoring/ProbeOutcome.ts"
import { parseProcessName } from "../../domain/monitoring/ProbeTarget.ts"
import { matchesName, parseStat } from "../../domain/monitoring/ProcessTable.ts"
import type { Prepare } from "../../services/agent/Prober.ts"
import type { Commands } from "./Command.ts"

/** For reading the table of processes, after systemd was asked. */
const tableTimeout = Duration.seconds(5)
const readsAtOnceMax = 16

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

const isRunning = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, name: string) {
  const entries = yield* fs.readDirectory("/proc").pipe(Effect.orElseSucceed((): Array<string> => []))
  const pids = entries.filter((entry) => /^\d+$/.test(entry))
  const found = yield* Effect.forEach(pids, (pid) => hasName(fs, pid, name), { concurrency: readsAtOnceMax })
  return found.some((matches) => matches)
})

/** A process that ends while it is read does not count. */
const hasName = (fs: FileSystem.FileSystem, pid: string, name: string) =>
  Effect.gen(function*() {
    const stat = parseStat(yield* fs.readFileString(`/proc/${pid}/stat`))
    if (Option.isNone(stat) || stat.value.state === "Z" || stat.value.state === "X") return false
    const commandLine = yield* fs.readFileString(`/proc/${pid}/cmdline`)
    return matchesName(name, stat.value.name, commandLine)
  }).pipe(Effect.orElseSucceed(() => false))

export const prepare = (commands: Commands): Prepare<FileSystem.FileSystem> =>
  Effect.fnUntraced(function*(request) {
    const fs = yield* FileSystem.FileSystem
    const name = yield* Effect.fromResult(
      parseProcessName(request.details.trim() === "" ? request.serviceName : request.details)
    )
    return {
      timeout: Duration.sum(commands.timeMax, tableTimeout),
      failed: (reason) => Outcome.processInactive(name, reason),
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const unit = yield* unitState(fs, commands, name)
        const isActive = Option.contains(unit, "active") || (yield* isRunning(fs, name))
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        if (isActive) return Outcome.processActive(name, request, elapsedNanos)
        const reason = Option.match(unit, {
          onNone: () => "no process of that name",
          onSome: (state) => `unit is ${state} and there is no process of that name`
        })
        return Outcome.processInactive(name, reason, elapsedNanos)
      })
    }
  })
