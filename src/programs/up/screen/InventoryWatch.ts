/** What `up` says of a sync service where it draws no screen: a line for each change, as JSON or in the log. */
import { Console, Effect, Option, Ref, Schedule } from "effect"
import * as Inventory from "./Inventory.ts"

type Look = Effect.Effect<Option.Option<Inventory.Inventory>>

const lookEvery = Schedule.fixed("500 millis")

/** Calls `onChange` when what `of` makes of it is another than before; never without a sync service. */
const watch = (
  look: Look,
  of: (inventory: Inventory.Inventory) => string,
  onChange: (text: string) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const said = yield* Ref.make("")
    const once = Effect.gen(function*() {
      const inventory = yield* look
      if (Option.isNone(inventory)) return
      const text = of(inventory.value)
      if ((yield* Ref.getAndSet(said, text)) !== text) yield* onChange(text)
    })
    return yield* Effect.andThen(Effect.repeat(once, lookEvery), Effect.never)
  })

/** One JSON object with the key `inventory` a line on stdout. */
export const jsonLines = (look: Look) =>
  watch(look, (inventory) => JSON.stringify(Inventory.toReport(inventory)), Console.log)

export const logLines = (look: Look) => watch(look, Inventory.summary, (text) => Effect.logInfo(`Sync: ${text}`))
