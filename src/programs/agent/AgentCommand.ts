/** `serviceradar agent`: an agent of its own, from a configuration file. */
import { Config, Effect, type FileSystem, Option, type Path } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlag } from "../../layers/command/HttpFlag.ts"
import * as Reporting from "../../layers/command/Reporting.ts"
import * as LiveConfig from "../../services/agent/LiveConfig.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as AgentProgram from "./AgentProgram.ts"
import * as AgentSource from "./AgentSource.ts"
import * as AgentSweep from "./AgentSweep.ts"
import * as ConfigWatcher from "./ConfigWatcher.ts"

const flags = {
  config: Flag.String("config").pipe(
    Flag.withDefault("/etc/serviceradar/agent.json"),
    Flag.withDescription("The agent's configuration file")
  ),
  http: httpFlag("127.0.0.1:8091")
}

export const command = Command.make("agent", flags, ({ config: file, http }) =>
  Effect.gen(function*() {
    const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
    const source = yield* AgentSource.open(file)
    const { value } = yield* AgentSource.agentFile(source)
    return yield* Effect.gen(function*() {
      const since = yield* ConfigWatcher.stampOf(file, value.checkers_dir ?? "")
      const live = LiveConfig.make(yield* AgentSource.read(source))
      const path = yield* Config.option(Config.String("PATH"))
      const sweep = yield* AgentSweep.make(live.config, Option.getOrUndefined(path))
      return yield* AgentProgram.run(live.config, {
        watched: { source, live, since },
        ...(Option.isSome(http) ? { http: http.value } : {}),
        ...(Option.isSome(path) ? { path: path.value } : {}),
        guests: sweep.children,
        answered: sweep.answered
      }).pipe(Effect.provide(sweep.layer), Effect.provide(context))
    }).pipe(Reporting.withReporting("agent"), FileLogging.withLogging(value.logging))
  }).pipe(Effect.provide(SupervisionTree.layer))).pipe(
    Command.withDescription("Check this host and what it can reach, for pollers"),
    Command.withExamples([{ command: "serviceradar agent --config agent.json", description: "Run an agent" }])
  )
