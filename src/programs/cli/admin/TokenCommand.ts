/** `serviceradar token create`: an API token for a user, printed once. */
import { Console, Effect, Redacted } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { scopes } from "../../../domain/identity/ApiToken.ts"
import * as ApiTokens from "../../../layers/identity/ApiTokens.ts"
import * as AdminConnection from "./AdminConnection.ts"
import * as KnownUser from "./KnownUser.ts"

const create = Command.make("create", {
  email: Argument.String("email").pipe(Argument.withDescription("The user whose rights it has")),
  name: Flag.String("name").pipe(
    Flag.withDefault("command line"),
    Flag.withDescription("What it is for, to be told from others")
  ),
  scope: Flag.Literals("scope", scopes).pipe(
    Flag.withDefault("read"),
    Flag.withDescription("What it may at most: read, write, or admin for users, tokens and tenants too")
  ),
  ...AdminConnection.flags
}, (options) =>
  AdminConnection.withRecords(
    options,
    Effect.gen(function*() {
      const user = yield* KnownUser.byEmail(options.email, AdminConnection.requestId)
      const token = yield* ApiTokens.issue(
        { user, name: options.name, scope: options.scope },
        AdminConnection.requestId
      )
      yield* Console.log(Redacted.value(token))
    })
  )).pipe(
    Command.withDescription("Make an API token and print it: it is shown once, and kept as a hash only"),
    Command.withExamples([{
      command: "serviceradar token create ada@example.org --scope write --name ci",
      description: "For a program that changes devices in Ada's name"
    }])
  )

export const tokenCommand = Command.make("token").pipe(
  Command.withDescription("Make API tokens"),
  Command.withSubcommands([create])
)
