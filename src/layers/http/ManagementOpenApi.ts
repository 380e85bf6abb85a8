/** The routes of a management server as an OpenAPI 3.1 document. */
import { Schema } from "effect"
import type { Mount, Route } from "./Management.ts"

const reference = "#/$defs/"

/** JSON Schema refers to definitions beside it; in OpenAPI all documents share theirs. */
const relocated = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(relocated)
  if (typeof schema !== "object" || schema === null) {
    return typeof schema === "string" && schema.startsWith(reference)
      ? `#/components/schemas/${schema.slice(reference.length)}`
      : schema
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, relocated(value)]))
}

const describe = ({ answers }: Route<never>) => {
  if (answers === undefined) return { content: { "text/plain": { schema: { type: "string" } } }, definitions: {} }
  const { definitions, schema } = Schema.toJsonSchemaDocument(answers)
  return { content: { "application/json": { schema: relocated(schema) } }, definitions }
}

const operation = (route: Route<never>, content: object) => ({
  summary: route.summary,
  parameters: [...(route.parameters ?? [])].map(([name, description]) => ({
    name,
    in: "query",
    required: false,
    description,
    schema: { type: "string" }
  })),
  responses: {
    200: { description: "The answer", content },
    ...(route.parameters === undefined ? {} : { 400: { description: "An unknown parameter or an impossible value" } })
  }
})

/** Below a mount, by path and method; what is sent and answered there is said elsewhere. */
const mounted = (mounts: ReadonlyArray<Mount<never>>) => {
  const paths: Record<string, Record<string, object>> = {}
  for (const [place, summary] of mounts.flatMap(({ summaries }) => [...summaries ?? []])) {
    const [method = "", path = ""] = place.split(" ")
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        summary,
        parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
          name,
          in: "path",
          required: true,
          schema: { type: "string" }
        })),
        responses: { default: { description: "The answer" } }
      }
    }
  }
  return paths
}

export const document = (routes: ReadonlyArray<Route<never>>, mounts: ReadonlyArray<Mount<never>> = []) => {
  const described = routes.map((route) => ({ route, ...describe(route) }))
  return {
    openapi: "3.1.0",
    info: { title: "ServiceRadar management", version: "1" },
    paths: {
      ...Object.fromEntries(described.map(({ content, route }) => [route.path, {
        get: operation(route, content),
        ...(route.post === undefined ? {} : { post: operation(route, content) })
      }])),
      ...mounted(mounts)
    },
    components: { schemas: relocated(Object.assign({}, ...described.map(({ definitions }) => definitions))) }
  }
}
