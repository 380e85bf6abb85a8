/** Which route an address and a method mean. A part that stands in a path goes before one that an address gives. */
import { Option, Result } from "effect"
import type { Route } from "./Route.ts"
import { withoutNul } from "./Texts.ts"

export interface Found {
  readonly route: Route
  readonly at: Readonly<Record<string, string>>
}

/** As a rule names it, however an address spells it. */
export const pathOf = ({ at, route }: Found): string =>
  route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => at[name] ?? "")

type Find = (method: string, pathname: string) => Option.Option<Found>

const parameter = /^\{(\w+)\}$/

interface Parts {
  readonly route: Route
  readonly parts: ReadonlyArray<string>
  readonly given: number
}

const decoded = (part: string): Option.Option<string> =>
  Option.map(Result.getSuccess(Result.try(() => decodeURIComponent(part))), withoutNul)

const matched = ({ parts }: Parts, asked: ReadonlyArray<string>): Readonly<Record<string, string>> | undefined => {
  if (parts.length !== asked.length) return undefined
  const at: Record<string, string> = {}
  for (const [index, part] of parts.entries()) {
    const value = Option.getOrUndefined(decoded(asked[index] ?? ""))
    const [, name] = parameter.exec(part) ?? []
    if (value === undefined || value === "" || (name === undefined && value !== part)) return undefined
    if (name !== undefined) at[name] = value
  }
  return at
}

const partsOf = (path: string): ReadonlyArray<string> => path.split("/").slice(1)

export const make = (routes: ReadonlyArray<Route>): Find => {
  const all = routes.map((route): Parts => {
    const parts = partsOf(route.path)
    return { route, parts, given: parts.filter((part) => parameter.test(part)).length }
  }).toSorted((a, b) => a.given - b.given)
  return (method, pathname) => {
    const asked = partsOf(pathname)
    for (const one of all) {
      const at = one.route.method === (method === "HEAD" ? "GET" : method) ? matched(one, asked) : undefined
      if (at !== undefined) return Option.some({ route: one.route, at })
    }
    return Option.none()
  }
}
