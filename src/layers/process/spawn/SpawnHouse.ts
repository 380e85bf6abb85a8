/**
 * A process that starts programs, begun with the first of them and again when it was ended: who asks waits for none of them.
 *
 * It has nothing else in its memory, so that to copy itself costs it little. Programs do not outlive it, nor this process.
 */
import { Effect, Layer, Option, Schema } from "effect"
import * as HouseProcess from "../house/HouseProcess.ts"
import * as Program from "./Program.ts"
import { spawnCode } from "./spawnCode.ts"
import { Spawner } from "./Spawner.ts"
import { FromHouse, type ToHouse } from "./SpawnOrders.ts"

const decode = Schema.decodeUnknownOption(FromHouse)

interface Started {
  readonly heard: Program.Heard
  pid: number | undefined
  hasExited: boolean
  readonly signals: Array<NodeJS.Signals>
}

interface House {
  readonly process: HouseProcess.House
  readonly programs: Map<number, Started>
}

/** It went with the process that started it. */
const lose = ({ hasExited, heard, pid }: Started, reason: string): void => {
  if (pid === undefined) return heard.failed(`the process that starts programs: ${reason}`)
  Program.killGroup(pid, "SIGKILL")
  if (!hasExited) heard.exited(null, "SIGKILL")
  heard.closed()
}

const take = (programs: House["programs"], told: FromHouse): void => {
  const program = programs.get(told.id)
  if (program === undefined) return
  const { heard, signals } = program
  if ("part" in told) return void heard.printed(told.stream, told.part)
  if ("pid" in told) {
    program.pid = told.pid
    for (const signal of signals.splice(0)) Program.killGroup(told.pid, signal)
    return heard.started(told.pid)
  }
  if ("code" in told) {
    program.hasExited = true
    return heard.exited(told.code, told.signal)
  }
  programs.delete(told.id)
  if ("failed" in told) heard.failed(told.failed)
  else heard.closed()
}

const start = (): House => {
  const programs: House["programs"] = new Map()
  return {
    programs,
    process: HouseProcess.start({
      code: spawnCode(),
      options: null,
      // Nothing of this process's secrets; the folders of short names stand in each order.
      env: {},
      link: "channel",
      heard: (message) => Option.match(decode(message), { onNone: () => {}, onSome: (told) => take(programs, told) }),
      ended: (reason) => {
        const lost = [...programs.values()]
        programs.clear()
        for (const program of lost) lose(program, reason)
      }
    })
  }
}

/** It ends with the scope, and starts nothing by itself. */
export const make = Effect.gen(function*() {
  let house: House | undefined
  let count = 0
  yield* Effect.addFinalizer(() => Effect.sync(() => house?.process.end()))
  const begin: Program.Begin = (order, heard) => {
    const { process, programs } = house = house?.process.isUsable() === true ? house : start()
    const tell = (message: ToHouse) => process.tell(message)
    const id = count += 1
    const program: Started = { heard, pid: undefined, hasExited: false, signals: [] }
    programs.set(id, program)
    tell({ id, order })
    return {
      signal: (signal) => {
        if (program.pid === undefined) program.signals.push(signal)
        else Program.killGroup(program.pid, signal)
      },
      deafen: () => tell({ id, deafen: true })
    }
  }
  return begin
})

export const layer: Layer.Layer<never> = Layer.effect(Spawner, make)
