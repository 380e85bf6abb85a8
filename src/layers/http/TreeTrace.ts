/**
 * What a child and those below it do from now on, as lines of JSON: what its supervisors tell of it, and the messages of
 * an actor. The response ends when whoever asked leaves, or the program ends.
 */
import { Effect, Schema, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import { TraceEvent } from "../../domain/supervision/TraceEvent.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import type { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"

export const Traced = Schema.Union([TraceEvent, SupervisionEvent])
export type Traced = typeof Traced.Type

export const route = "/api/tree/trace"

const isAt = (path: string, event: SupervisionEvent): boolean => {
  const about = "child" in event ? `${event.path}/${event.child}` : event.path
  return about === path || about.startsWith(`${path}/`)
}

const has = (path: string, nodes: ReadonlyArray<TreeNode>): boolean =>
  nodes.some((node) => node.path === path || has(path, node.children))

const linesOf = (tree: SupervisionTree["Service"], path: string): Stream.Stream<Uint8Array> => {
  const messages = tree.trace(path).pipe(Stream.catchTag("NoSuchChild", () => Stream.empty))
  const events = tree.events.pipe(Stream.filter((event) => isAt(path, event)))
  const lines = Stream.map(Stream.merge(messages, events), (event: Traced) => `${JSON.stringify(event)}\n`)
  // The head of a response goes out with its first bytes: an empty line, for a child may do nothing for long.
  return Stream.encodeText(Stream.concat(Stream.make("\n"), lines))
}

export const respond = (
  tree: SupervisionTree["Service"],
  query: URLSearchParams
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const path = query.get("path") ?? ""
  return Effect.map(tree.snapshot, (nodes) =>
    has(path, nodes)
      ? HttpServerResponse.stream(linesOf(tree, path), { contentType: "application/x-ndjson" })
      : HttpServerResponse.jsonUnsafe({ error: `there is no child at ${JSON.stringify(path)}` }, { status: 404 }))
}
