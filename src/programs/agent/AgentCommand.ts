/** `serviceradar agent`: an agent of its own, from a configuration file. */
import { Config, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as AgentConfig from "../../domain/agent/AgentConfig.ts"
import * as CheckerFiles from "../../layers/agent/CheckerFiles.ts"
import * as ConfigSource from "../../layers/command/ConfigSource.ts"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlag } from "../../layers/command/HttpFlag.ts"
import * as Reporting from "../../layers/command/Reporting.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as AgentProgram from "./AgentProgram.ts"

const flags = {
  config: Flag.String("config").pipe(
    Flag.withDefault("/etc/serviceradar/agent.json"),
    Flag.withDescription("The agent's configuration file")
  ),
  http: httpFlag("127.0.0.1:8091")
}

export const command = Command.make("agent", flags, ({ config: file, http }) =>
  Effect.gen(function*() {
    yield* ConfigSource.check
    const { value, warnings } = yield* ConfigFile.load(AgentConfig.AgentConfigFile, file)
    return yield* Effect.gen(function*() {
      yield* Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(file, warning)))
      yield* Effect.forEach(
        yield* CheckerFiles.notices(value.checkers_dir ?? ""),
        (notice) => Effect.logWarning(notice)
      )
      const agent = yield* CheckerFiles.loadInto(AgentConfig.fromFile(value))
      const path = yield* Config.option(Config.String("PATH"))
      return yield* AgentProgram.run(agent, {
        ...(Option.isSome(http) ? { http: http.value } : {}),
        ...(Option.isSome(path) ? { path: path.value } : {})
      })
    }).pipe(Reporting.withReporting("agent"), FileLogging.withLogging(value.logging))
  }).pipe(Effect.provide(SupervisionTree.layer))).pipe(
    Command.withDescription("Check this host and what it can reach, for pollers"),
    Command.withExamples([{ command: "serviceradar agent --config agent.json", description: "Run an agent" }])
  )
