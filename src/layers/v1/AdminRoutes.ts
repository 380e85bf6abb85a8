/** What the existing core keeps for services that are not here: there are none. */
import { Effect } from "effect"
import { type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const none: Handle = () => Effect.succeed(V1Answers.json([]))

const noSpire: Handle = () => Effect.fail(new Refused({ status: 503, words: "SPIRE admin integration unavailable" }))

const shown = { method: "GET", role: "admin", style: "json" } as const

export const adminRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/admin/datasvc-instances", handle: none },
  { ...shown, path: "/api/admin/component-templates", handle: none },
  { ...shown, method: "POST", path: "/api/admin/spire/join-tokens", handle: noSpire }
]
