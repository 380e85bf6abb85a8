/**
 * The process behind `serviceradar`; the only module that does something when imported.
 *
 * `--version` alone answers before anything else is loaded.
 */
import { packageVersion } from "../../layers/command/PackageVersion.ts"

const args = process.argv.slice(2)

if (args.length === 1 && (args[0] === "--version" || args[0] === "-v" || args[0] === "-version")) {
  process.stdout.on("error", (error) => {
    if ("code" in error && error.code === "EPIPE") return
    process.exitCode = 2
    process.stderr.write(`serviceradar: the answer could not be written to stdout: ${error.message}\n`)
  })
  process.stdout.write(`serviceradar v${packageVersion()}\n`)
} else {
  const { run } = await import("./CliProcess.ts")
  run(args)
}
