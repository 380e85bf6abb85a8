/** `serviceradar user add`: somebody who may use the API, in the default tenant or another one. */
import { Console, Effect } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Directory from "../../../services/identity/Directory.ts"
import * as AdminConnection from "./AdminConnection.ts"
import * as KnownTenant from "./KnownTenant.ts"

const add = Command.make("add", {
  email: Argument.String("email").pipe(Argument.withDescription("Nobody else's in the tenant")),
  role: Flag.Literals("role", ["viewer", "operator", "admin"]).pipe(
    Flag.withDefault("viewer"),
    Flag.withDescription("viewer sees, operator changes devices, admin also people")
  ),
  tenant: Flag.String("tenant").pipe(
    Flag.withDefault("default"),
    Flag.withDescription("The short name or the id of the user's tenant: serviceradar tenant add")
  ),
  superUser: Flag.Boolean("super").pipe(
    Flag.withDefault(false),
    Flag.withDescription("May do everything in every tenant; whoever has the machine alone makes such users")
  ),
  ...AdminConnection.flags
}, (options) =>
  AdminConnection.withRecords(
    options,
    Effect.gen(function*() {
      const { email, role, superUser: isSuperUser } = options
      const tenantId = yield* KnownTenant.idOf(options.tenant, AdminConnection.requestId)
      const user = yield* Directory.addUser({ email, role, tenantId, isSuperUser }, AdminConnection.requestId)
      const as = isSuperUser ? "super user" : role
      yield* Console.log(`Added ${email} as ${as} of ${options.tenant}: ${String(user?.values["id"])}`)
    })
  )).pipe(
    Command.withDescription("Add a user, to the default tenant unless told otherwise"),
    Command.withExamples([{
      command: "serviceradar user add ada@example.org --tenant acme --role admin",
      description: "The first user of a tenant, who adds the others"
    }])
  )

export const userCommand = Command.make("user").pipe(
  Command.withDescription("Add users"),
  Command.withSubcommands([add])
)
