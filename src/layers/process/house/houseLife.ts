/** How a process of `HouseProcess` lives: under a name of its own, until the process that began it has ended. */

/** What it was told at its start is JSON that its own program wrote. */
export const options = (): string => process.argv[2] ?? "null"

/** A terminal, and who stops a service, tell all processes of it: this one goes on until it is needed no more. */
const ignored = ["SIGINT", "SIGHUP", "SIGTERM"] as const

export const live = (name: string, last: () => void = () => {}): void => {
  process.title = name
  process.once("disconnect", () => {
    last()
    process.exit()
  })
  for (const signal of ignored) process.on(signal, () => {})
}
