/**
 * Runs the command line as a process: arguments in, exit code out.
 *
 * Wrong usage is an error like any other: exit code 2.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as ErrorReport from "./ErrorReport.ts"
import * as GoFlags from "./GoFlags.ts"
import { packageVersion } from "./PackageVersion.ts"
import * as Root from "./Root.ts"
import { UsageError } from "./UsageError.ts"

/** Commands whose stdout is theirs to log to; the others print data there. */
const services: ReadonlySet<string> = new Set(["poller", "agent", "core"])

const asUsageError = (error: CliError.CliError) =>
  error._tag === "ShowHelp" && error.errors.length === 0
    ? Effect.void
    : new UsageError({ detail: error.message })

const program = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const root = yield* Root.load(args)
  yield* Command.runWith(root, { version: packageVersion() })(args).pipe(
    Effect.catchIf(CliError.isCliError, asUsageError)
  )
})

export const run = (given: ReadonlyArray<string>): void => {
  const args = GoFlags.normalise(given)
  const stream = args.some((arg) => services.has(arg)) ? "stdout" : "stderr"
  ProcessMain.run(
    program(args.length === 0 ? ["--help"] : args).pipe(
      Effect.provide(Layer.mergeAll(Logging.layer({ stream }), NodeServices.layer))
    ),
    {
      report: (cause) =>
        Effect.sync(() => {
          const text = ErrorReport.render(cause, ErrorReport.wantsStack(args))
          if (text !== undefined) process.stderr.write(`${text}\n`)
        })
    }
  )
}
