/**
 * Accepts flags as the Go programs spell them, so that existing unit files keep working: `-config FILE`,
 * `-config=FILE`, `-log-level debug`.
 *
 * Words of one letter stay as they are, because here they are aliases (`-h`); so does everything after `--`.
 */
const goFlag = /^-([A-Za-z][\w-]+)(=.*)?$/s

export const normalise = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = args.indexOf("--")
  return args.map((arg, index) => {
    if (end !== -1 && index >= end) return arg
    return goFlag.test(arg) ? `-${arg}` : arg
  })
}
