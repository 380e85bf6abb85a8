/**
 * A thread that hashes with `hash-wasm`: bcrypt everywhere, argon2id where Node has none of its own (before 24.7). It is
 * started for what there is to do and ends with it, since both are rare.
 *
 * The published command is one bundle, so the thread's code is no file: the library goes to it as text, see `library.ts`.
 */
import { Deferred, Effect, Schema } from "effect"
import { Worker } from "node:worker_threads"
import { PasswordsBusy } from "../../../services/identity/Passwords.ts"
import { library } from "./library.ts"

/** Source text: what the thread evaluates. */
const threadCode = `
const { parentPort, workerData } = require("node:worker_threads")
const { library, name, options } = workerData
const module = { exports: {} }
new Function("module", "exports", library)(module, module.exports)
module.exports[name](options).then((answer) => parentPort.postMessage(answer))
`

/** bcrypt at its highest known cost takes a third of it. */
const limit = "60 seconds"

export type Task =
  | { readonly name: "argon2id"; readonly options: Readonly<Record<string, string | number | Uint8Array>> }
  | { readonly name: "bcryptVerify"; readonly options: { readonly password: string; readonly hash: string } }

const run = <S extends Schema.Decoder<unknown>>({ name, options }: Task, answer: S) =>
  Effect.gen(function*() {
    const said = yield* Deferred.make<unknown, PasswordsBusy>()
    const fail = (detail: string) => Deferred.doneUnsafe(said, Effect.fail(new PasswordsBusy({ detail })))
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const worker = new Worker(threadCode, {
          eval: true,
          env: {},
          workerData: { library: library(), name, options }
        })
        worker.on("message", (message: unknown) => Deferred.doneUnsafe(said, Effect.succeed(message)))
        worker.on("error", (error) => fail(error.message))
        worker.on("exit", () => fail("the thread ended"))
        return worker
      }),
      (worker) => Effect.promise(() => worker.terminate())
    )
    return yield* Effect.flatMap(Deferred.await(said), (message) =>
      Effect.mapError(
        Schema.decodeUnknownEffect(answer)(message),
        ({ message: detail }) => new PasswordsBusy({ detail })
      ))
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.fail(new PasswordsBusy({ detail: `${name} took longer than ${limit}` }))
    })
  )

export const bcryptMatches = (password: string, hash: string): Effect.Effect<boolean, PasswordsBusy> =>
  run({ name: "bcryptVerify", options: { password, hash } }, Schema.Boolean)

/** In lower-case hex. */
export const argon2id = (
  options: Extract<Task, { readonly name: "argon2id" }>["options"]
): Effect.Effect<string, PasswordsBusy> =>
  run({ name: "argon2id", options: { ...options, outputType: "hex" } }, Schema.String)
