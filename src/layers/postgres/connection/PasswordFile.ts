/**
 * The password of the database, from a file that is renewed while the program runs.
 *
 * A new password is published as a new address, on which the pool is made anew. A file that is empty or gone keeps the
 * connection as it is: the old password may still be good.
 */
import { Duration, Effect, FileSystem, Redacted, Schema } from "effect"
import { systemText } from "../../process/SystemText.ts"
import { DatabaseEndpoint } from "./DatabaseEndpoint.ts"

export class PasswordFileError extends Schema.TaggedError<PasswordFileError>()("PasswordFileError", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `CNPG_PASSWORD_FILE ${this.file}: ${this.reason}`
  }
}

const period = Duration.seconds(10)

/** Without the line break that editors and secret stores leave at the end. */
const read = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.readFileString(file).pipe(
    Effect.mapError((error) => new PasswordFileError({ file, reason: `cannot be read: ${systemText(error)}` }))
  )
  const password = text.trim()
  return password === "" ? yield* new PasswordFileError({ file, reason: "is empty" }) : password
})

const withPassword = (address: Redacted.Redacted, password: string): Redacted.Redacted => {
  const url = URL.parse(Redacted.value(address))
  if (url === null) return address
  url.password = encodeURIComponent(password)
  return Redacted.make(url.href)
}

const publish = Effect.fn("PasswordFile.publish")(function*(file: string, address: Redacted.Redacted) {
  const password = yield* read(file)
  yield* DatabaseEndpoint.use((endpoint) => endpoint.publish(withPassword(address, password)))
  return password
})

const follow = (file: string, address: Redacted.Redacted, first: string) => {
  let current = first
  const look = Effect.gen(function*() {
    const password = yield* read(file)
    if (password === current) return
    current = yield* publish(file, address)
    yield* Effect.logInfo(`The password in ${file} has changed: connecting with the new one`)
  }).pipe(Effect.catchTag("PasswordFileError", (error) => Effect.logWarning(error.message)))
  return Effect.forever(Effect.andThen(Effect.sleep(period), look))
}

/** For a supervisor: publishes the address with the password of now, and then with each other one that the file gets. */
export const start = (file: string, address: Redacted.Redacted) =>
  Effect.map(publish(file, address), (password) => follow(file, address, password))
