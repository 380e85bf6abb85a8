/** The API of exposed resources as an OpenAPI 3.1 document. */
import type { Attribute } from "../resource/Attribute.ts"
import type { Kind, Value } from "../resource/expression/Kind.ts"
import * as FieldPolicies from "../resource/FieldPolicies.ts"
import { publicField, publicFields } from "../resource/PublicFields.ts"
import type { Definition } from "../resource/Resource.ts"
import { related, type Resources } from "./Includes.ts"
import { limitMax } from "./Query.ts"
import { type Exposed, fieldName, mediaType, type Named, routesOf } from "./Wire.ts"

const kinds: Readonly<Record<Kind, object>> = {
  text: { type: "string" },
  uuid: { type: "string", format: "uuid" },
  integer: { type: "integer" },
  float: { type: "number" },
  boolean: { type: "boolean" },
  instant: { type: "string", format: "date-time" },
  text_list: { type: "array", items: { type: "string" } }
}

const nullable = (kind: Kind): object => ({ anyOf: [kinds[kind], { type: "null" }] })

const attributeSchema = ({ kind, presence, traits: { bounds } }: Attribute<Value>): object => {
  const { choices, itemsMax, least, lengthMax, most } = bounds
  const schema = {
    ...kinds[kind],
    ...(choices === undefined ? {} : { enum: choices }),
    ...(lengthMax === undefined ? {} : { maxLength: lengthMax }),
    ...(itemsMax === undefined ? {} : { maxItems: itemsMax }),
    ...(least === undefined ? {} : { minimum: least }),
    ...(most === undefined ? {} : { maximum: most })
  }
  return presence === "optional" ? { anyOf: [schema, { type: "null" }] } : schema
}

const shownSchema = (definition: Definition) => ({
  type: "object",
  properties: Object.fromEntries(
    publicFields(definition).flatMap((name) => {
      const attribute = definition.attributes[name]
      const kind = publicField(definition, name)?.kind ?? "text"
      const schema = attribute === undefined ? nullable(kind) : attributeSchema(attribute)
      return [[fieldName(name), isHiddenFromSome(definition, name) ? { anyOf: [schema, reference("hidden")] } : schema]]
    })
  )
})

const isHiddenFromSome = (definition: Definition, name: string): boolean =>
  FieldPolicies.condition(definition, name) !== undefined

/** No one may ask by it. */
const isHiddenFromAll = (definition: Definition, name: string): boolean => {
  const condition = FieldPolicies.condition(definition, name)
  return condition?._tag === "Literal" && condition.value !== true
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })

const inputSchema = (definition: Definition, { action }: Named) => {
  const accepted = action.accepts.flatMap((name) => {
    const attribute = definition.attributes[name]
    return attribute === undefined ? [] : [[name, attribute] as const]
  })
  const given = Object.entries(action.given)
  const isNeeded = ([, { presence }]: readonly [string, Attribute<Value>]) => presence === "required"
  const required = [...given.filter(isNeeded), ...(action.kind === "create" ? accepted.filter(isNeeded) : [])]
  return {
    type: "object",
    required: ["data"],
    properties: {
      data: {
        type: "object",
        required: ["type", ...(required.length === 0 ? [] : ["attributes"])],
        properties: {
          type: { const: definition.name },
          id: { type: "string" },
          attributes: {
            type: "object",
            properties: Object.fromEntries(
              [...accepted, ...given].map(([name, attribute]) => [fieldName(name), attributeSchema(attribute)])
            ),
            ...(required.length === 0 ? {} : { required: required.map(([name]) => fieldName(name)) })
          }
        }
      }
    }
  }
}

const problem = (description: string) => ({ description, content: { [mediaType]: { schema: reference("errors") } } })

const failures = {
  400: problem("The request is not understood"),
  401: problem("Nobody has signed in"),
  403: problem("It is not allowed"),
  404: problem("There is none"),
  503: problem("The database does not answer")
}

const writeFailures = {
  ...failures,
  409: problem("Another record has the same, or the state does not allow it"),
  412: problem("The record has changed"),
  415: problem("The body is of another media type"),
  422: problem("An attribute is invalid")
}

const answer = (description: string, schema: object) => ({ description, content: { [mediaType]: { schema } } })

const parameter = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "query",
  required: false,
  description,
  schema
})

const shownParameters = (definition: Definition, resources: Resources) => {
  const paths = related(definition, resources).map(({ name }) => fieldName(name))
  return [
    parameter(`fields[${definition.name}]`, "Fields to show, with commas between"),
    ...(paths.length === 0
      ? []
      : [parameter("include", `Relationships whose records come too, with commas between: ${paths.join(", ")}`)])
  ]
}

const listParameters = (definition: Definition, resources: Resources) => [
  ...shownParameters(definition, resources),
  parameter("sort", "Fields to sort by, with commas between; `-` before one for descending"),
  parameter("page[limit]", "Records of a page", { type: "integer", minimum: 1, maximum: limitMax }),
  parameter("page[after]", "A cursor, as `next` has it"),
  parameter("page[before]", "A cursor, as `prev` has it; empty for the last page"),
  parameter("page[offset]", "Records to skip", { type: "integer", minimum: 0 }),
  parameter("page[count]", "Whether to count all", { type: "boolean" }),
  ...publicFields(definition).filter((name) => !isHiddenFromAll(definition, name)).map((name) =>
    parameter(
      `filter[${fieldName(name)}]`,
      `Equal to this; also with an operator, such as \`[gt]\`, \`[in]\`, \`[is_nil]\`${
        isHiddenFromSome(definition, name) ? "; refused to whom the field is hidden from" : ""
      }`
    )
  )
]

const operation = (definition: Definition, { name }: Named, more: object) => ({
  operationId: `${definition.name}.${name}`,
  tags: [definition.name],
  summary: `${fieldName(name).replaceAll("_", " ")} of ${definition.collection}`,
  ...more
})

const written = (definition: Definition, named: Named, status: 200 | 201) =>
  operation(definition, named, {
    requestBody: { required: true, content: { [mediaType]: { schema: inputSchema(definition, named) } } },
    responses: {
      [status]: answer("The record as it is then", reference(`${definition.name}.document`)),
      ...writeFailures
    }
  })

const pathsOf = (base: string, exposed: Exposed, resources: Resources) => {
  const { definition } = exposed
  const routes = routesOf(exposed)
  const home = `${base}/${definition.collection}`
  const key = [{ name: "key", in: "path", required: true, schema: { type: "string" } }]
  const listed = (named: Named) =>
    operation(definition, named, {
      parameters: listParameters(definition, resources),
      responses: { 200: answer("A page of records", reference(`${definition.name}.page`)), ...failures }
    })
  const found = (named: Named) =>
    operation(definition, { ...named, name: `${named.name}One` }, {
      parameters: shownParameters(definition, resources),
      responses: { 200: answer("The record", reference(`${definition.name}.document`)), ...failures }
    })
  const destroyed = (named: Named) =>
    operation(definition, named, { responses: { 204: { description: "It is no more" }, ...writeFailures } })
  const entries: ReadonlyArray<readonly [string, object]> = [
    [home, {
      ...(routes.read && { get: listed(routes.read) }),
      ...(routes.create && { post: written(definition, routes.create, 201) })
    }],
    ...[...routes.reads].map(([name, named]) => [`${home}/${name}`, { get: listed(named) }] as const),
    [`${home}/{key}`, {
      parameters: key,
      ...(routes.read && { get: found(routes.read) }),
      ...(routes.update && { patch: written(definition, routes.update, 200) }),
      ...(routes.destroy && { delete: destroyed(routes.destroy) })
    }],
    ...[...routes.updates].map(([name, named]) =>
      [`${home}/{key}/${name}`, { parameters: key, patch: written(definition, named, 200) }] as const
    )
  ]
  return entries
}

const identifier = {
  type: "object",
  required: ["type", "id"],
  properties: { type: { type: "string" }, id: { type: "string" } }
}

const relationshipsSchema = (definition: Definition, resources: Resources) => ({
  type: "object",
  properties: Object.fromEntries(
    related(definition, resources).map(({ name, relationship: { kind } }) => [fieldName(name), {
      type: "object",
      properties: {
        data: kind === "has_many"
          ? { type: "array", items: identifier }
          : { anyOf: [identifier, { type: "null" }] },
        links: { type: "object" }
      }
    }])
  )
})

const included = { type: "array", items: identifier }

const schemasOf = ({ definition }: Exposed, resources: Resources) =>
  [
    [definition.name, {
      type: "object",
      required: ["type", "id"],
      properties: {
        type: { const: definition.name },
        id: { type: "string" },
        attributes: shownSchema(definition),
        relationships: relationshipsSchema(definition, resources),
        links: { type: "object" },
        meta: { type: "object", properties: { version: { type: "string" } } }
      }
    }],
    [`${definition.name}.document`, {
      type: "object",
      properties: { data: reference(definition.name), included }
    }],
    [`${definition.name}.page`, {
      type: "object",
      properties: {
        data: { type: "array", items: reference(definition.name) },
        included,
        links: { type: "object" },
        meta: { type: "object" }
      }
    }]
  ] as const

const hidden = {
  type: "object",
  description: "In place of a value that whoever asks is not shown",
  required: ["hidden"],
  properties: { hidden: { const: true } }
}

const errors = {
  type: "object",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      items: {
        type: "object",
        properties: {
          status: { type: "string" },
          code: { type: "string" },
          title: { type: "string" },
          detail: { type: "string" },
          source: { type: "object" }
        }
      }
    }
  }
}

export const document = (base: string, exposed: ReadonlyArray<Exposed>) => {
  const resources: Resources = new Map(exposed.map((one) => [one.definition.name, one]))
  return {
    openapi: "3.1.0",
    info: { title: "ServiceRadar API", version: "2.0.0" },
    paths: Object.fromEntries(exposed.flatMap((one) => pathsOf(base, one, resources))),
    components: {
      schemas: Object.fromEntries([...exposed.flatMap((one) => schemasOf(one, resources)), ["errors", errors], [
        "hidden",
        hidden
      ]]),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        key: { type: "apiKey", in: "header", name: "X-API-Key" }
      }
    },
    security: [{ bearer: [] }, { key: [] }]
  }
}
