/**
 * Processes worth watching: those that have been there longest and are known by a name that will still mean them
 * after a restart.
 *
 * Shells, editors and other tools of somebody's session are no services, and a name that several unrelated programs
 * share (`node`, `python3`) tells nothing when one of them is gone.
 */

export interface RunningProcess {
  readonly pid: number
  readonly parentPid: number
  readonly name: string
  /** Clock ticks after boot. */
  readonly startTicks: number
}

const sessionTools: ReadonlySet<string> = new Set([
  "sh",
  "bash",
  "dash",
  "zsh",
  "fish",
  "sudo",
  "su",
  "tmux",
  "screen",
  "less",
  "vi",
  "vim",
  "nano",
  "top",
  "htop",
  "ssh",
  "sleep",
  "tail",
  "cat",
  "git",
  "make",
  "timeout",
  "script",
  "npm",
  "npx",
  "node",
  "python",
  "python3",
  "java",
  "ruby",
  "perl",
  "docker-init",
  "tini"
])

const namePattern = /^[a-zA-Z0-9_.-]+$/

/** One line of `/proc/PID/stat`. */
export const parse = (stat: string): RunningProcess | undefined => {
  const open = stat.indexOf("(")
  // The name is in parentheses and may itself contain anything, even a parenthesis.
  const close = stat.lastIndexOf(")")
  if (open === -1 || close === -1) return undefined
  const fields = stat.slice(close + 2).trim().split(" ")
  const [state] = fields
  const pid = Number(stat.slice(0, open))
  const parentPid = Number(fields[1])
  const startTicks = Number(fields[19])
  if (state === "Z" || !Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined
  return { pid, parentPid, name: stat.slice(open + 1, close), startTicks }
}

const kernelThreadParent = 2

/** Names in order of age, at most `limit`; `exclude` holds ids of our own processes. */
export const rank = (
  processes: ReadonlyArray<RunningProcess>,
  options: { readonly limit: number; readonly exclude: ReadonlySet<number> }
): ReadonlyArray<string> => {
  const services = processes
    .filter(({ name, parentPid, pid }) =>
      pid !== kernelThreadParent && parentPid !== kernelThreadParent && !options.exclude.has(pid) &&
      namePattern.test(name) && !sessionTools.has(name)
    )
    .toSorted((left, right) => left.startTicks - right.startTicks || left.pid - right.pid)
  return [...new Set(services.map(({ name }) => name))].slice(0, options.limit)
}
