import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "../..")

/** What a user sees who runs the example. */
const output = async (example: string): Promise<ReadonlyArray<string>> => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, "examples", example)], { timeout: 60_000 })
  return stdout.trimEnd().split("\n")
}

/** The TypeScript blocks of a guide. */
const snippets = (guide: string): ReadonlyArray<string> =>
  [...readFileSync(join(root, "docs", guide), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code)

describe("examples", () => {
  it("the chat server loses a room's members with the room, and nothing else", async () => {
    assert.deepStrictEqual(await output("chat-room.ts"), [
      "hello ada",
      "lobby is back",
      "lobby: ",
      "attic: bob",
      "cellar: rooms: nobody is registered as cellar",
      "rooms left: 0"
    ])
  })

  it("the worker pool gives each address one outcome", async () => {
    assert.deepStrictEqual(await output("worker-pool.ts"), ["{ reachable: 89, unreachable: 10, broken: 1 }"])
  })

  it("the guide to testing finds its planted fault, and nothing once it is mended", async () => {
    const lines = await output("testing-your-tree.ts")

    assert.include(lines, "the worker uses the connection that lives: it uses number 1 of 2")
    assert.match(lines.at(-1) ?? "", /^rest_for_one: 100 seeds, \d+ faults, nothing found$/)
  })

  it("the guide to simulating shows what its example finds", async () => {
    const [first = "", ...lines] = await output("simulating-your-services.ts")
    const found = [first.replace("books that forget ids: ", ""), ...lines.slice(0, -1)].join("\n")

    assert.include(readFileSync(join(root, "docs/simulating.md"), "utf8"), `\`\`\`text\n${found}\n\`\`\``)
    assert.strictEqual(lines.at(-1), "books that know ids: 20 seeds, nothing broke")
  })

  it("a tested pipeline answers for each message, and a producer keeps its contract", async () => {
    assert.deepStrictEqual((await output("testing-your-pipeline.ts")).slice(0, 5), [
      "sum 7",
      "ok: 7",
      "sum 1",
      "sum 3",
      "ok: 1,3; refused: two"
    ])
  })

  it("the counter answers calls in order and takes casts", async () => {
    assert.deepStrictEqual(await output("counter-actor.ts"), ["two more: 4", "one more after the reset: 11"])
  })

  it("a catalog of one's own plans queries and says what was meant", async () => {
    assert.deepStrictEqual(await output("srql-catalog.ts"), [
      "SELECT id, title, pages, lent_at FROM books WHERE library_id = $1 AND title ILIKE $2 AND pages > $3 ORDER BY title " +
      "ASC LIMIT $4 OFFSET $5",
      "[\"city\",\"%radar%\",200,5,0]",
      "unsupported filter field for books: 'titel' (at 10: found \"titel\", expected a field of books; did you mean title?)"
    ])
  })

  it("a resource decides actions in memory, and writes its conditions as SQL", async () => {
    const lines = await output("ticket-resource.ts")

    assert.deepStrictEqual(lines.slice(1), [
      "close of ticket: reason says too little",
      "\"Ada\"",
      "ticket is closed: close cannot make it closed",
      "close of ticket is not allowed",
      "((tenant_id = $1::uuid) AND ((state = $2::text) AND (opened_at < $3::timestamptz)))",
      "[\"0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10\",\"open\",\"2026-03-03T12:00:00.000Z\"]"
    ])
  })

  it("a probe of one's own answers, and says what is wrong with its details", async () => {
    assert.deepStrictEqual(await output("own-probe.ts"), [
      "not too busy: true",
      "Invalid load target \"{\\\"maximum\\\":\\\"…\\\"}\": expected a number, or a JSON object with max (maximum: no such key; " +
      "max: Missing key)"
    ])
  })

  it.each([
    ["supervision.md", ["chat-room.ts", "counter-actor.ts"], 3],
    ["testing.md", ["testing-your-tree.ts", "testing-your-pipeline.ts"], 5],
    [
      "resources.md",
      ["ticket-resource.ts", "../src/domain/identity/User.ts", "../src/domain/inventory/devices/Device.ts"],
      5
    ],
    ["checks.md", ["own-probe.ts"], 1],
    ["simulating.md", ["simulating-your-services.ts"], 4]
  ])("%s quotes its examples", (guide, names, count) => {
    const unindented = (text: string) => text.replaceAll(/^ +/gm, "")
    const examples = names.map((name) => unindented(readFileSync(join(root, "examples", name), "utf8")))

    const code = snippets(guide)

    assert.isAtLeast(code.length, count)
    for (const snippet of code) {
      assert.isTrue(examples.some((example) => example.includes(unindented(snippet))), snippet)
    }
  })
})
