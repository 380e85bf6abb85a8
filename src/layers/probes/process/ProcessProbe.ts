/**
 * `process`: does a process run, by its name, its pid file or its command line, and what does it use?
 *
 * Where systemd is the init system its answer for a name decides first, as in the Go agent; a process found in `/proc`
 * counts as well, so machines without systemd (containers above all) have the check too. Zombies do not count.
 */
import { Clock, Duration, Effect, FileSystem, Option, Result, Schema } from "effect"
import * as os from "node:os"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import { parseProcessName } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import type { KernelUnits } from "../../../domain/monitoring/host/AuxiliaryVector.ts"
import { matchesName } from "../../../domain/monitoring/host/ProcessTable.ts"
import * as WholeFile from "../../files/WholeFile.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { Commands } from "../Command.ts"
import * as HostReader from "../HostReader.ts"
import type { Kind, ProbeKit } from "../ProbeKit.ts"
import type { RunningProcess } from "./ProcessList.ts"

const Name = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.match(parseProcessName(text), {
      onSuccess: () => undefined,
      onFailure: ({ expected }) => `expected ${expected}`
    })
  )
)

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const Target = Schema.Struct({
  name: Details.optional(Name, "of the process or of its systemd unit", { shows: "whole" }),
  pidFile: Details.optional(Schema.NonEmptyString, "a file that holds its process id", { shows: "whole" }),
  commandLine: Details.optional(
    Details.Pattern,
    "a regular expression that must match its command line, arguments separated by blanks, of which the first 1,024 bytes " +
      "are looked at",
    { shows: "whole" }
  ),
  countMin: Details.orElse(Count, 1, "how many there must be at least", { shows: "whole" }),
  countMax: Details.optional(Count, "how many there may be at most", { shows: "whole" }),
  cpuPercentMax: Details.optional(
    Schema.Finite,
    "not available when all of them together use more of one core than this",
    { shows: "whole" }
  ),
  memoryBytesMax: Details.optional(Count, "not available when all of them together hold more memory", {
    shows: "whole"
  })
}).check(
  Schema.makeFilter(({ commandLine, name, pidFile }) =>
    [name, pidFile, commandLine].filter((one) => one !== undefined).length === 1
      ? undefined
      : "expected one of name, pidFile and commandLine"
  )
)
type Target = typeof Target.Type

const payload = Schema.Struct({
  status: Payload.text("`active`"),
  process_name: Payload.text("what was looked for"),
  active: Payload.flag("whether it runs"),
  agent_id: Payload.text("of the agent"),
  poller_id: Payload.text("of the poller"),
  unit: Payload.text("the state of the systemd unit of that name, where systemd runs"),
  count: Payload.measure("count", "processes found"),
  pids: Payload.value(Schema.Array(Schema.Int), "their ids, the first 20"),
  cpu_percent: Payload.measure(
    "percent",
    "of one core, all of them together, since the check before; at the first check since they were started"
  ),
  memory_bytes: Payload.measure("bytes", "resident, all of them together"),
  timings: Payload.timings("run"),
  ...Payload.common
})

const format: Details.Format<Target> = {
  serviceType: "process",
  schema: Target,
  bare: (name) => Result.succeed({ name }),
  bareForm: "a process name"
}
const parse = Details.parse(format)

const pidsMax = 20
const pidFileBytesMax = 4_096
/** For all of it; a poller waits 30 s. */
const limit = Duration.seconds(20)

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

/** What stands in the file is not shown: it may be another than was meant. */
const pidIn = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, file: string) {
  const text = yield* WholeFile.read(file, pidFileBytesMax).pipe(
    Effect.provideService(FileSystem.FileSystem, fs),
    Effect.mapError(({ message }) => new CheckSteps.StepFailed({ reason: message }))
  )
  const [, pid] = /^\s*(\d{1,10})\s*$/.exec(text.split("\n", 1).join("")) ?? []
  return pid === undefined
    ? yield* new CheckSteps.StepFailed({ reason: `${file} holds no process id` })
    : Number(pid)
})

/**
 * Those of the processes that are meant. A check from the command line is none of them, as with pgrep: what it looks for
 * stands in its own command line.
 */
const select = Effect.fnUntraced(function*(kit: ProbeKit, target: Target, all: ReadonlyArray<RunningProcess>) {
  const { commandLine, name, pidFile } = target
  if (pidFile !== undefined) {
    const pid = yield* pidIn(kit.fs, pidFile)
    return all.filter((one) => one.pid === pid)
  }
  const others = kit.takesPrograms ? all.filter((one) => one.pid !== process.pid) : all
  if (name !== undefined) return others.filter((one) => matchesName(name, one.name, one.commandLine))
  const candidates = others.filter((one) => one.commandLine !== "")
  const lines = candidates.map((one) => one.commandLine.replace(/\0$/, "").replaceAll("\0", " "))
  const places = yield* kit.patterns.matching(commandLine ?? "", lines).pipe(
    Effect.mapError((reason) => new CheckSteps.StepFailed({ reason }))
  )
  return places.flatMap((place) => candidates[place] ?? [])
})

/** What each process had used when it was last looked at. */
interface Before {
  readonly ticks: ReadonlyMap<string, number>
  readonly atNanos: bigint
}

const lifeOf = ({ pid, startTicks }: RunningProcess): string => `${pid}/${startTicks}`

/** Percent of one core. */
const cpuOf = (
  found: ReadonlyArray<RunningProcess>,
  { ticksPerSecond }: KernelUnits,
  before: Before | undefined,
  nowNanos: bigint
): number => {
  const uptimeTicks = os.uptime() * ticksPerSecond
  const sinceTicks = before === undefined ? 0 : Number(nowNanos - before.atNanos) / 1e9 * ticksPerSecond
  const shares = found.map((one) => {
    const known = before?.ticks.get(lifeOf(one))
    const ticks = one.cpuTicks - (known ?? 0)
    const span = known === undefined ? uptimeTicks - one.startTicks : sinceTicks
    return span <= 0 ? 0 : Math.max(0, ticks) / span
  })
  return Math.round(shares.reduce((sum, share) => sum + share, 0) * 10_000) / 100
}

const complaintOf = (target: Target, count: number, cpu: number, memory: number): string | undefined =>
  CheckSteps.complaintOf(
    target.countMax !== undefined && count > target.countMax
      ? `${count} processes run, at most ${target.countMax} are expected`
      : undefined,
    target.cpuPercentMax !== undefined && cpu > target.cpuPercentMax
      ? `${cpu} % of a core is used, at most ${target.cpuPercentMax} are expected`
      : undefined,
    target.memoryBytesMax !== undefined && memory > target.memoryBytesMax
      ? `${memory} bytes of memory are held, at most ${target.memoryBytesMax} are expected`
      : undefined
  )

const tooFew = (target: Target, count: number, unit: Option.Option<string>): string => {
  if (count > 0) return `${count} run, at least ${target.countMin} are expected`
  const what = target.name !== undefined
    ? "no process of that name"
    : target.pidFile !== undefined
    ? "no process with the id in it"
    : "no process with such a command line"
  return Option.match(unit, { onNone: () => what, onSome: (state) => `unit is ${state} and there is ${what}` })
}

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const details = request.details.trim() === "" ? request.serviceName : request.details
    const target = yield* Effect.fromResult(parse(details))
    const label = target.name ?? target.pidFile ?? target.commandLine ?? ""
    const failure = `Process ${label} is not running`
    const units = yield* HostReader.readUnits(kit.fs)
    let before: Before | undefined

    const look = Effect.gen(function*() {
      const unit = target.name === undefined
        ? Option.none<string>()
        : yield* unitState(kit.fs, kit.commands, target.name)
      const all = yield* Effect.mapError(kit.processes, ({ message }) => new CheckSteps.StepFailed({ reason: message }))
      const found = yield* select(kit, target, all)
      const nowNanos = yield* Clock.monotonicTimeNanos
      const cpu = cpuOf(found, units, before, nowNanos)
      before = { ticks: new Map(found.map((one) => [lifeOf(one), one.cpuTicks])), atNanos: nowNanos }
      return { unit, found, cpu }
    })

    return CheckSteps.checker({
      limit,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const { cpu, found, unit } = yield* watch.step("run", look)
        const count = found.length
        // A unit that is active without a process of its name: its program is called otherwise.
        const isActive = count >= target.countMin || (count === 0 && Option.contains(unit, "active"))
        if (!isActive) return yield* new CheckSteps.StepFailed({ reason: tooFew(target, count, unit) })
        const memory = found.reduce((sum, one) => sum + one.residentPages, 0) * units.pageBytes
        return {
          facts: {
            status: "active",
            process_name: label,
            active: true,
            agent_id: request.agentId,
            poller_id: request.pollerId,
            ...(Option.isSome(unit) ? { unit: unit.value } : {}),
            count,
            pids: found.slice(0, pidsMax).map(({ pid }) => pid),
            cpu_percent: cpu,
            memory_bytes: memory
          },
          complaint: complaintOf(target, count, cpu, memory)
        }
      })
    })
  })

export const kind: Kind = {
  about: "Does a process run, by its name, its pid file or its command line, and what does it use?",
  notes:
    "Without details the name is that of the service. Where systemd runs the machine, its unit of that name counts too.",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    { details: "nginx", about: "Does nginx run?" },
    {
      details: "{\"pidFile\":\"/run/postgresql.pid\",\"memoryBytesMax\":2147483648}",
      about: "Does the process with that id run, with less than 2 GiB?"
    },
    {
      details: "{\"commandLine\":\"java .*-jar .*billing\",\"countMin\":2,\"cpuPercentMax\":300}",
      about: "Do two of them run, with less than three cores?"
    }
  ],
  prepare
}
