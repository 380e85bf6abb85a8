/**
 * Everything that can be asked for in SRQL: what is reported, and each public resource by its declaration, but for those that existing
 * systems know by columns of their own, which take from the resource who may read what.
 */
import { entities, missing } from "../queries/QueryEntities.ts"
import { schema } from "../records/Schema.ts"
import { identifier, sql } from "../sql/Sql.ts"
import * as Catalog from "../srql/catalog/Catalog.ts"
import { ofResource } from "../srql/catalog/ResourceEntity.ts"
import { exposed } from "./PublicResources.ts"

const home = identifier(schema)

const known = new Set(entities.flatMap(({ spellings }) => spellings))

const resources = exposed
  .map((resource) =>
    ofResource(resource, {
      schema,
      // Questions know a tenant by its short name, as tables of events have it.
      tenantAs: (id) => sql`(select slug from ${home}.tenants named where named.id = ${id})`
    })
  )
  .filter(({ spellings }) => !spellings.some((spelling) => known.has(spelling)))

export const coreCatalog = Catalog.make([...entities, ...resources], missing)
