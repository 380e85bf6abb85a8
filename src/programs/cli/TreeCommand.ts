/**
 * `serviceradar tree`: the live supervision tree of a running program.
 *
 * Without `--url` it asks the `serviceradar up` of the working directory, whose ports may have moved, and otherwise
 * core's usual port. Exit code 0 when the tree could be read, whatever is in it; 2 when nobody answered.
 */
import { Clock, Console, Effect, Option, Schema, Stream } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { TreeNode } from "../../domain/supervision/TreeNode.ts"
import * as ManagementClient from "../../layers/http/ManagementClient.ts"
import * as TreeTrace from "../../layers/http/TreeTrace.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as TreeDrawing from "../../layers/terminal/TreeDrawing.ts"
import * as RunningCore from "./RunningCore.ts"

/** What `/api/tree` answers: the roots of the program's trees. */
const Tree = Schema.Struct({ tree: Schema.Array(TreeNode) })

/** Time, path, what happened, and what is known about it. */
const lineOf = (event: TreeTrace.Traced): string => {
  const time = new Date(event.at).toISOString().slice(11, 23)
  if ("kind" in event && "what" in event) {
    return [time, event.path, event.kind, event.message, event.what, event.detail].filter((text) => text !== "").join(
      " "
    )
  }
  const path = "child" in event ? `${event.path}/${event.child}` : event.path
  const exit = "exit" in event ? event.exit : ""
  const message = "message" in event ? event.message : ""
  return [time, path, event._tag, exit, message].filter((text) => text !== "").join(" ")
}

export const treeCommand = Command.make("tree", {
  url: Flag.String("url").pipe(
    Flag.optional,
    Flag.withDescription(
      `The program's HTTP address; by default that of the running up, else ${RunningCore.defaultUrl}`
    )
  ),
  dir: RunningCore.dir,
  trace: Flag.String("trace").pipe(
    Flag.optional,
    Flag.withDescription("Instead of the tree, what the child at this path does, until interrupted")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON"))
}, ({ dir, json, trace, url }) =>
  Effect.gen(function*() {
    const base = yield* RunningCore.address(url, dir)
    if (Option.isSome(trace)) {
      const path = `${TreeTrace.route}?path=${encodeURIComponent(trace.value)}`
      return yield* Stream.runForEach(
        ManagementClient.lines(base, path, TreeTrace.Traced),
        (event) => Console.log(json ? JSON.stringify(event) : lineOf(event))
      )
    }
    const { tree } = yield* ManagementClient.get(base, "/api/tree", Tree)
    if (json) return yield* Console.log(JSON.stringify(tree, null, 2))
    const nowMillis = yield* Clock.currentTimeMillis
    const lines = TreeDrawing.draw(tree, {
      style: Style.forStream(process.stdout, process.env),
      nowMillis,
      columns: process.stdout.isTTY === true ? process.stdout.columns : 200
    })
    yield* Console.log(lines.join("\n"))
  }).pipe(Effect.provide(FetchHttpClient.layer))).pipe(
    Command.withDescription("Show the live supervision tree of a running program"),
    Command.withExamples([
      { command: "serviceradar tree", description: "The tree of the `serviceradar up` of this directory" },
      { command: "serviceradar tree --url http://127.0.0.1:8093", description: "The tree of a poller" },
      {
        command: "serviceradar tree --trace Agent/Checkers",
        description: "What the checkers of an agent do, as it happens"
      },
      { command: "serviceradar tree --json", description: "For scripts: every field of every node" }
    ])
  )
