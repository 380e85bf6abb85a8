/** The link with which somebody signs in to a `serviceradar up` for the first time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Browser from "../../support/browser.ts"
import * as Program from "../../support/Program.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const line = /Sign in, once and within 15 minutes: (http:\/\/127\.0\.0\.1:\d+)(\/auth\/link\?t=([A-Za-z0-9_-]{43}))/

/** Files that hold it; those of the database have only what it was made of. */
const filesWith = (folder: string, secret: string) =>
  Effect.promise(async () => {
    const found: Array<string> = []
    for (const entry of await fs.readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = path.join(entry.parentPath, entry.name)
      if ((await fs.readFile(file)).includes(secret)) found.push(file)
    }
    return found
  })

describe("serviceradar up", () => {
  it.live(
    "prints a link, says what it is, and keeps it nowhere; it signs the administrator in once",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        yield* Effect.promise(() => fs.chmod(folder, 0o755))
        const directory = path.join(folder, "data")
        const env = { EVENT_WRITER_ENABLED: "no" }
        const program = yield* Program.start(["up", "--dir", directory], { env })
        const [, base = "", address = "", secret = ""] = yield* Program.eventually(
          "a link",
          Effect.sync(() => Option.fromNullishOr(line.exec(program.output()))),
          { within: "60 seconds", programs: [program] }
        )
        assert.lengthOf(program.output().match(/\/auth\/link\?t=/g) ?? [], 1)
        assert.deepStrictEqual(yield* filesWith(directory, secret), [])

        const browser = Browser.open(base)
        // Whatever scans it presses no buttons.
        const page = yield* browser.get(address)
        assert.include((yield* browser.get(address)).text, "<button")
        const done = yield* browser.submit(page, "/auth/link/use")
        assert.strictEqual(done.status, 303, done.text)
        assert.include((yield* browser.get("/auth/account")).text, "<dd>admin@localhost</dd>")
        const other = Browser.open(base)
        assert.strictEqual((yield* other.submit(yield* other.get(address), "/auth/link/use")).status, 401)
      }),
    120_000
  )
})
