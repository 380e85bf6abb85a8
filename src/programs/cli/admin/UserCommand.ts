/** `serviceradar user add`: somebody who may use the API, in the default tenant. */
import { Console, Effect } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as PgRecords from "../../../layers/records/PgRecords.ts"
import * as Directory from "../../../services/identity/Directory.ts"
import { migrations } from "../../core/ControlPlane.ts"
import * as AdminConnection from "./AdminConnection.ts"

const add = Command.make("add", {
  email: Argument.String("email").pipe(Argument.withDescription("Nobody else's, in any tenant")),
  role: Flag.Literals("role", ["viewer", "operator", "admin"]).pipe(
    Flag.withDefault("viewer"),
    Flag.withDescription("viewer sees, operator changes devices, admin also people")
  ),
  ...AdminConnection.flags
}, (options) =>
  AdminConnection.withDatabase(
    options,
    migrations,
    Directory.addUser({ email: options.email, role: options.role }, "command line").pipe(
      Effect.andThen((user) => Console.log(`Added ${options.email} as ${options.role}: ${String(user?.values["id"])}`)),
      Effect.provide(PgRecords.layer)
    )
  )).pipe(Command.withDescription("Add a user to the default tenant"))

export const userCommand = Command.make("user").pipe(
  Command.withDescription("Add users"),
  Command.withSubcommands([add])
)
