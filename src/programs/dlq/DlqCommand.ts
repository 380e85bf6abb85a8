/** `serviceradar dlq`: the messages that the event writer could not store, for a person to look at and decide. */
import * as Command from "effect/cli/Command"
import { dropCommand, replayCommand } from "./ChangeCommands.ts"
import { listCommand } from "./ListCommand.ts"
import { showCommand } from "./ShowCommand.ts"

const description = `Look at, replay or drop the messages that the event writer could not store.

What cannot be read, what the database refuses and what was tried too often is kept whole in the JetStream stream DLQ
until somebody decides:

What is there, and why:         serviceradar dlq list
One of them, with its payload:  serviceradar dlq show ID
Once the cause is gone:         serviceradar dlq replay ID, or replay --all --stream LOGS
What is of no use:              serviceradar dlq drop --all --error 'expected JSON'

Exit codes: 0 done, 1 nothing matched or not all of it could be done, 2 an error.`

export const dlqCommand = Command.make("dlq").pipe(
  Command.withDescription(description),
  Command.withSubcommands([listCommand, showCommand, replayCommand, dropCommand])
)
