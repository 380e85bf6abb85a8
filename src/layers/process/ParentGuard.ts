/**
 * Ends a server of ours when we are gone, whatever ended us.
 *
 * Node cannot ask the system for a parent-death signal. So a shell of its own session holds the reading end of a pipe
 * whose other end is ours alone: when the pipe closes without a word, we are dead, and it stops the server in our place.
 * Its memory is less than a megabyte, and it waits for nothing but the pipe.
 */
import { Effect, type Scope } from "effect"
import * as childProcess from "node:child_process"

/** Signals to send one after another, each with the seconds that the server may take. */
export type StopInTurn = ReadonlyArray<readonly [signal: NodeJS.Signals, seconds: number]>

export interface ParentGuard {
  /** From now on the process does not outlive us. */
  readonly protect: (pid: number) => void
}

/** `read` fails at the end of the pipe; a second line says that the server has ended in order. */
const script = (stop: StopInTurn): string => `
trap '' HUP INT TERM QUIT
read -r pid || exit 0
read -r done && exit 0
for step in ${stop.map(([signal, seconds]) => `${signal.replace(/^SIG/, "")}:${seconds}`).join(" ")}; do
  kill -s "\${step%%:*}" "$pid" 2>/dev/null || exit 0
  left=$((\${step#*:} * 5))
  while [ "$left" -gt 0 ]; do
    kill -0 "$pid" 2>/dev/null || exit 0
    sleep 0.2 2>/dev/null || sleep 1
    left=$((left - 1))
  done
done
`

/** Where there is no shell there is no guard, and the next start stops what was left behind. */
export const make = (stop: StopInTurn): Effect.Effect<ParentGuard, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const shell = childProcess.spawn("/bin/sh", ["-c", script(stop)], {
        cwd: "/",
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
        env: { PATH: process.env["PATH"] }
      })
      // Without a shell, or with one that was killed, there is nobody to tell.
      shell.on("error", () => undefined)
      shell.stdin.on("error", () => undefined)
      shell.unref()
      return shell
    }),
    (shell) => Effect.sync(() => shell.stdin.end("done\n"))
  ).pipe(Effect.map((shell) => ({ protect: (pid) => void shell.stdin.write(`${pid}\n`) })))
