/** What the process that starts programs runs. It reads what they print only as fast as it is taken. */
import * as houseLife from "../house/houseLife.ts"
import * as Program from "./Program.ts"
import type { FromHouse, ToHouse } from "./SpawnOrders.ts"

const programs = new Map<number, Program.Program>()

const tell = (message: FromHouse): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve()
    process.send(message, undefined, undefined, () => resolve())
  })

const begin = (id: number, order: Program.Order): void => {
  const program = Program.begin(order, {
    started: (pid) => void tell({ id, pid }),
    printed: (stream, part) => tell({ id, stream, part }),
    failed: (failed) => {
      programs.delete(id)
      void tell({ id, failed })
    },
    exited: (code, signal) => void tell({ id, code, signal }),
    closed: () => {
      programs.delete(id)
      void tell({ id, closed: true })
    }
  })
  programs.set(id, program)
}

// Whoever wanted them is gone.
houseLife.live("serviceradar-programs", () => {
  for (const program of programs.values()) program.signal("SIGKILL")
})

process.on("message", (told: ToHouse) => {
  if ("order" in told) begin(told.id, told.order)
  else programs.get(told.id)?.deafen()
})
