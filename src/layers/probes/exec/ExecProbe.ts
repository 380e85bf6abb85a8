/**
 * `exec`: what does a program of the operator's say?
 *
 * Programs and their arguments stand in files of the agent's `checkers_dir`, and a check names one of them: whoever writes
 * a poller's configuration chooses among the programs that this host's administrator has put there, and cannot run others.
 */
import { Effect, Option, Result, Schema } from "effect"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import * as NagiosOutput from "../../../domain/monitoring/checks/NagiosOutput.ts"
import { InvalidTarget } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as JsonDepth from "../../../domain/monitoring/JsonDepth.ts"
import * as CleanText from "../../../domain/monitoring/reports/CleanText.ts"
import type { CheckRequest } from "../../../services/monitoring/Prober.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { Kind, ProbeKit } from "../ProbeKit.ts"
import * as ProgramRun from "./ProgramRun.ts"

const AbsolutePath = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text.startsWith("/") && !text.includes("\0") ? undefined : "expected an absolute path"
  )
)

const Argument = Schema.String.check(
  Schema.makeFilter((text: string) => text.includes("\0") ? "expected a text without NUL" : undefined)
)

const Program = Schema.Struct({
  program: Details.required(AbsolutePath, "absolute path", { shows: "whole" }),
  args: Details.orElse(Schema.Array(Argument), [], "its arguments, as they are: there is no shell"),
  contract: Details.orElse(
    Schema.Literals(["nagios", "exitCode", "json"]),
    "nagios",
    "how it tells what it has found; see above",
    { shows: "whole" }
  ),
  warningIsDown: Details.orElse(Schema.Boolean, false, "whether WARNING of a Nagios plugin counts as not available", {
    shows: "whole"
  }),
  env: Details.orElse(
    Schema.Record(Schema.String, Argument),
    {},
    "its environment, besides `PATH` of the agent, `LC_ALL=C` and `SERVICERADAR_RUN`, by which what it leaves is found"
  ),
  folder: Details.optional(AbsolutePath, "where it is run; `/` unless told", { shows: "whole" }),
  outputBytesMax: Details.orElse(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_048_576 })),
    65_536,
    "it is ended when it prints more",
    { shows: "whole" }
  ),
  memoryBytesMax: Details.orElse(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    268_435_456,
    "how much memory each of its processes may ask for, enforced by the kernel (RLIMIT_DATA); 0 is no limit",
    { shows: "whole" }
  ),
  timeout: Details.timeout("10 seconds")
})
type Program = typeof Program.Type

const Datum = Schema.Struct({
  label: Payload.text("as the plugin names it"),
  value: Payload.value(Schema.Finite, "the number"),
  unit: Payload.text("such as `s`, `%`, `B`, `c` (a counter); empty for a plain number"),
  warn: Payload.text("threshold as a range"),
  crit: Payload.text("threshold as a range"),
  min: Payload.value(Schema.Finite, "smallest possible"),
  max: Payload.value(Schema.Finite, "largest possible")
})

const payload = Schema.Struct({
  command: Payload.text("the name of the program's file"),
  exit_code: Payload.measure("status", "of the program"),
  state: Payload.text("of a Nagios plugin: `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`"),
  output: Payload.text("the first line it printed, at most 1,024 characters"),
  long_output: Payload.text("the lines below it, at most 4,096 characters"),
  performance: Payload.value(Schema.Array(Datum), "performance data of a Nagios plugin, at most 200"),
  data: Payload.value(Schema.Json, "with the JSON contract: what it printed"),
  timings: Payload.timings("run"),
  ...Payload.common
})

const format: Details.Format<Program> = {
  serviceType: "exec",
  schema: Program,
  bare: () => Result.fail("it is no JSON object"),
  bareForm: ""
}
const parse = Details.parse(format)

/** Reads the `details` of a file of type `exec`. */
export const parseFile = (details: unknown): Result.Result<Program, InvalidTarget> =>
  parse(JSON.stringify(details ?? {}))

const outputMax = 1_024
const longOutputMax = 4_096

const shown = (text: string, lengthMax: number): string => CleanText.clean(text.slice(0, lengthMax))

const firstLine = (text: string): string => text.trim().split("\n", 1).join("").trim()

/** What it said, on whichever of the two. */
const said = ({ stderr, stdout }: ProgramRun.Finished): string => firstLine(stdout) || firstLine(stderr)

type Judge = (finished: ProgramRun.Finished, program: Program) => CheckSteps.Outcome

const nagios: Judge = (finished, { warningIsDown }) => {
  const { longText, performance, text } = NagiosOutput.parse(finished.stdout)
  const output = shown(text || firstLine(finished.stderr), outputMax)
  const facts = {
    output,
    ...(longText === "" ? {} : { long_output: shown(longText, longOutputMax) }),
    ...(performance.length === 0 ? {} : { performance })
  }
  return Option.match(NagiosOutput.stateOf(finished.exitCode), {
    onNone: () => ({ facts, complaint: `exit code ${finished.exitCode} is none of a Nagios plugin: ${output}` }),
    onSome: (state) => ({
      facts: { state, ...facts },
      complaint: state === "OK" || (state === "WARNING" && !warningIsDown) ? undefined : output || state
    })
  })
}

const exitCode: Judge = (finished) => {
  const output = shown(said(finished), outputMax)
  return {
    facts: { output },
    complaint: finished.exitCode === 0
      ? undefined
      : `exit code ${finished.exitCode}${output === "" ? "" : `: ${output}`}`
  }
}

const Verdict = Schema.Struct({
  available: Schema.optionalKey(Schema.Boolean),
  error: Schema.optionalKey(Schema.String)
})
const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))
const decodeVerdict = Schema.decodeUnknownResult(Verdict)

const json: Judge = (finished) => {
  if (JsonDepth.isDeeperThan(finished.stdout, JsonDepth.max)) {
    return {
      facts: { output: shown(said(finished), outputMax) },
      complaint: `its JSON is nested more than ${JsonDepth.max} deep`
    }
  }
  const data = decodeJson(finished.stdout)
  if (Result.isFailure(data)) {
    return { facts: { output: shown(said(finished), outputMax) }, complaint: "it printed no JSON" }
  }
  const verdict = decodeVerdict(data.success)
  if (Result.isFailure(verdict)) {
    return {
      facts: { data: data.success },
      complaint: "it printed no object with `available`, true or false, and `error`, a text"
    }
  }
  const { available = finished.exitCode === 0, error } = verdict.success
  return {
    facts: { data: data.success },
    complaint: available ? undefined : shown(error ?? `exit code ${finished.exitCode}`, outputMax)
  }
}

const judges = { nagios, exitCode, json } as const satisfies Readonly<Record<Program["contract"], Judge>>

/** Told on the command line. */
const namesMax = 10

/** The file's name for the program, and what stands in it. */
const find = (kit: ProbeKit, request: CheckRequest): Result.Result<readonly [string, Program], InvalidTarget> => {
  const name = request.details.trim() === "" ? request.serviceName : request.details.trim()
  if (kit.takesPrograms && name.startsWith("{")) return Result.map(parse(name), (program) => [program.program, program])
  const known = kit.config.checkers.filter((checker) => checker.type === "exec")
  const file = known.find((checker) => checker.name === name)
  if (file !== undefined) return Result.map(parseFile(file.details), (program) => [name, program])
  // Whoever asks over the network need not know what else this host can run.
  const names = known.length === 0
    ? "there is none"
    : kit.takesPrograms
    ? known.slice(0, namesMax).map((checker) => checker.name).join(", ")
    : `there are ${known.length}`
  return Result.fail(
    new InvalidTarget({
      serviceType: "exec",
      target: name.startsWith("{") ? "{…}" : name,
      expected: `the name of a file of type exec in the agent's checkers_dir (${names})`
    })
  )
}

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const [command, program] = yield* Effect.fromResult(find(kit, request))
    const failure = `Program ${command} failed`
    return CheckSteps.checker({
      limit: program.timeout,
      toEnd: ProgramRun.endMax,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const finished = yield* watch.step("run", kit.programs.run({ folder: undefined, ...program }))
        const { complaint, facts } = judges[program.contract](finished, program)
        return { facts: { command, exit_code: finished.exitCode, ...facts }, complaint }
      })
    })
  })

export const kind: Kind = {
  about: "What does a program of the operator's say?",
  notes:
    "The program stands in a file of the agent's `checkers_dir`, with `\"type\": \"exec\"`, a `name`, and the keys below " +
    "as `details`; a check names that file, so a poller cannot have anything else run. Without details the name is that " +
    "of the service. Contracts: `nagios` takes exit codes 0 to 3 as OK, WARNING, CRITICAL and UNKNOWN and reads " +
    "performance data; `exitCode` takes 0 as available; `json` reads an object from stdout whose `available` decides, or " +
    "else the exit code. 16 programs run at once; they end with all they have started, on Linux also with what went into a " +
    "session of its own and kept its environment.",
  details: { bareForm: "the name of a file of type `exec`", schema: Program },
  payload,
  examples: [
    {
      details:
        "{\"program\":\"/usr/lib/nagios/plugins/check_disk\",\"args\":[\"-w\",\"20%\",\"-c\",\"10%\",\"-p\",\"/\"]}",
      about: "What does a Nagios plugin say? On the command line the program itself may be named"
    }
  ],
  prepare
}
