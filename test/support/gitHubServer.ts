/** A GitHub Enterprise Server as far as signing in with it goes, as a process of its own; see `fixtures/identity/githubServer.ts`. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as path from "node:path"
import { projectRoot } from "./Program.ts"

export const clientId = "radar-at-github"
export const clientSecret = "a secret for github"

/** Answers its address once it listens. */
export const start = (port: number, redirectUri: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly base: string; readonly kill: () => void }>((resume) => {
      const file = path.join(projectRoot, "test/fixtures/identity/githubServer.ts")
      const child = spawn(process.execPath, [file, `${port}`, redirectUri], { stdio: ["ignore", "pipe", "inherit"] })
      child.once("exit", (code) => resume(Effect.die(new Error(`the provider ended with ${code}`))))
      child.stdout.once("data", () =>
        resume(Effect.succeed({ base: `http://127.0.0.1:${port}`, kill: () => void child.kill("SIGKILL") })))
    }),
    ({ kill }) =>
      Effect.sync(kill)
  ).pipe(Effect.map(({ base }) => base))
