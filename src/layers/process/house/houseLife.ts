/** How a process of `HouseProcess` lives: under a name of its own, until the process that began it has ended. */
import * as net from "node:net"
import * as HouseLines from "./HouseLines.ts"

/** What it was told at its start is JSON that its own program wrote. */
export const options = (): string => process.argv[2] ?? "null"

/** A terminal, and who stops a service, tell all processes of it: this one goes on until it is needed no more. */
const ignored = ["SIGINT", "SIGHUP", "SIGTERM"] as const

const begin = (name: string): void => {
  process.title = name
  for (const signal of ignored) process.on(signal, () => {})
}

/** Over Node's own channel. */
export const live = (name: string, last: () => void): void => {
  begin(name)
  process.once("disconnect", () => {
    last()
    process.exit()
  })
}

/** Behind the three of every process. */
const linesFile = 3

/** Over lines; gives back how to say something. */
export const liveByLines = (name: string, heard: (message: unknown) => void): (message: object) => void => {
  begin(name)
  const socket = new net.Socket({ fd: linesFile, readable: true, writable: true })
  HouseLines.read(socket, heard, () => process.exit())
  return (message) => HouseLines.write(socket, message)
}
