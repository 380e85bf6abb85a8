/** `serviceradar admin link`: a link with which somebody signs in once, for whoever has the machine. */
import { Console, Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as LocalAccounts from "../../../layers/identity/LocalAccounts.ts"
import * as SignInLinks from "../../../layers/identity/SignInLinks.ts"
import * as RunningCore from "../RunningCore.ts"
import * as AdminConnection from "./AdminConnection.ts"
import * as KnownUser from "./KnownUser.ts"

const origin = { address: AdminConnection.requestId, requestId: AdminConnection.requestId }

const link = Command.make("link", {
  email: Argument.String("email").pipe(
    Argument.withDefault(LocalAccounts.adminDefault),
    Argument.withDescription("Who is to sign in")
  ),
  url: Flag.String("url").pipe(
    Flag.optional,
    Flag.withDescription(
      "Where core is reached; without it as --config says, the running up's address, or http://127.0.0.1:8090"
    )
  ),
  dir: RunningCore.dir,
  ...AdminConnection.flags
}, ({ dir, email, url, ...options }) =>
  AdminConnection.withRecords(
    options,
    Effect.gen(function*() {
      if (email === LocalAccounts.adminDefault) yield* LocalAccounts.ensureAdmin
      const user = yield* KnownUser.byEmail(email, origin.requestId)
      const named = Option.firstSomeOf([url, yield* AdminConnection.publicUrl(options)])
      const base = (yield* RunningCore.address(named, dir)).replace(/\/+$/, "")
      yield* Console.log(SignInLinks.addressOf(base, yield* SignInLinks.make(user, origin)))
    })
  )).pipe(
    Command.withDescription(
      "Make a link with which somebody signs in once, within a quarter of an hour, and print it. Without a name it is for the " +
        `administrator ${LocalAccounts.adminDefault}, who is made where there is nobody yet.`
    ),
    Command.withExamples([{
      command: "serviceradar admin link ada@example.org --url https://radar.example.org",
      description: "For Ada, who has forgotten her password"
    }])
  )

export const adminCommand = Command.make("admin").pipe(
  Command.withDescription("Help people in"),
  Command.withSubcommands([link])
)
