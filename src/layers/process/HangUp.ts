/**
 * What SIGHUP means: whether it is to be ignored, as `nohup` asks for, and whether it is the end of the terminal.
 *
 * Node forgets on its start that a signal was ignored. The launcher asks before Node runs, where it is run by its own
 * name, and leaves the answer in the environment; for `nohup node …` what nohup itself leaves behind must do: its name
 * as the shell's last command, or a standard input that can only be written to.
 */
import * as fs from "node:fs"
import * as path from "node:path"

/** Set by the launcher: "1" when SIGHUP was ignored as it started. */
export const variable = "SERVICERADAR_SIGHUP_IGNORED"

/** Set by the launcher: "1" when a SIGHUP came before the program was there to take it. */
const cameVariable = "SERVICERADAR_SIGHUP_CAME"

/** Once: nobody else, and no process that is started, is to take it for theirs. */
export const takeEarly = (environment: Record<string, string | undefined>): boolean => {
  const came = environment[cameVariable] === "1"
  delete environment[cameVariable]
  return came
}

/** GNU nohup turns the input from a terminal into `/dev/null`, open for writing, so that reading it is an error. */
const isInputOfNohup = (): boolean => {
  try {
    if (fs.readlinkSync("/proc/self/fd/0") !== "/dev/null") return false
    const access = /^flags:\s+([0-7]+)$/m.exec(fs.readFileSync("/proc/self/fdinfo/0", "utf8"))?.[1]
    return access !== undefined && (Number.parseInt(access, 8) & 3) === fs.constants.O_WRONLY
  } catch {
    return false
  }
}

export const isIgnored = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  environment[variable] === "1" || path.basename(environment["_"] ?? "") === "nohup" || isInputOfNohup()

/** Without becoming anybody's terminal, and without waiting. */
const flags = fs.constants.O_RDONLY | (fs.constants.O_NOCTTY ?? 0) | (fs.constants.O_NONBLOCK ?? 0)

/** Whether this process has a terminal that can close on it; a service has none. */
export const hasTerminal = (): boolean => {
  try {
    fs.closeSync(fs.openSync("/dev/tty", flags))
    return true
  } catch {
    return false
  }
}
