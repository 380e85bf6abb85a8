/** `serviceradar tenant add`: an organisation of its own in this core, whose records no other one's people see. */
import { Console, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Tenant } from "../../../domain/identity/Tenant.ts"
import * as Directory from "../../../services/identity/Directory.ts"
import * as AdminConnection from "./AdminConnection.ts"

/** It stands in addresses, subjects of NATS and queries. */
const most = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_147_483_647 }))

const add = Command.make("add", {
  slug: Argument.String("slug").pipe(
    Argument.withSchema(Tenant.attributes.slug.schema),
    Argument.withDescription("Its short name, nobody else's: letters in lower case, digits and -")
  ),
  name: Flag.String("name").pipe(
    Flag.optional,
    Flag.withDescription("As people call it; without it the short name")
  ),
  maxDevices: Flag.Int("max-devices").pipe(
    Flag.withSchema(most),
    Flag.withDefault(100),
    Flag.withDescription("How many devices it may have")
  ),
  maxUsers: Flag.Int("max-users").pipe(
    Flag.withSchema(most),
    Flag.withDefault(5),
    Flag.withDescription("How many users it may have")
  ),
  ...AdminConnection.flags
}, ({ maxDevices, maxUsers, name, slug, ...options }) =>
  AdminConnection.withRecords(
    options,
    Effect.gen(function*() {
      const values = { slug, name: Option.getOrElse(name, () => slug), maxDevices, maxUsers }
      const tenant = yield* Directory.addTenant(values, AdminConnection.requestId)
      yield* Console.log(`Added ${slug}: ${String(tenant?.values["id"])}`)
      yield* Console.error(`Its first user: serviceradar user add EMAIL --tenant ${slug} --role admin`)
    })
  )).pipe(
    Command.withDescription("Add a tenant: an organisation whose records no other one's people see"),
    Command.withExamples([{
      command: "serviceradar tenant add acme --name 'Acme Ltd' --max-devices 5000",
      description: "Then its first user: serviceradar user add ada@example.org --tenant acme --role admin"
    }])
  )

export const tenantCommand = Command.make("tenant").pipe(
  Command.withDescription("Add tenants"),
  Command.withSubcommands([add])
)
