/** Where records are kept, and the schema that they need. */
import { Layer } from "effect"
import { exposed } from "../../domain/core/PublicResources.ts"
import { ApiToken } from "../../domain/identity/ApiToken.ts"
import { Session } from "../../domain/identity/Session.ts"
import { Tenant } from "../../domain/identity/Tenant.ts"
import { User } from "../../domain/identity/User.ts"
import { migrations as coreMigrations } from "../../layers/core/migrations/migrations.ts"
import * as ToldRemovals from "../../layers/core/ToldRemovals.ts"
import { migrations as edgeMigrations } from "../../layers/edge/migrations/migrations.ts"
import { migrations as identityMigrations } from "../../layers/identity/migrations/migrations.ts"
import { migrations as inventoryMigrations, triggers } from "../../layers/inventory/migrations/migrations.ts"
import { migrations as queryMigrations } from "../../layers/queries/migrations/migrations.ts"
import { migrations as recordMigrations } from "../../layers/records/migrations/migrations.ts"
import * as PgRecords from "../../layers/records/PgRecords.ts"
import * as RememberedReads from "../../layers/records/RememberedReads.ts"
import * as SchemaCheck from "../../layers/records/SchemaCheck.ts"

/** In this order: later ones refer to tables of those before. */
export const migrations = [
  coreMigrations,
  recordMigrations,
  identityMigrations,
  inventoryMigrations,
  edgeMigrations,
  queryMigrations
]

/** What of the schema is not as it has to be. */
export const differences = SchemaCheck.differences(exposed.map(({ definition }) => definition), triggers)

/** Each request asks who asks: of these resources, see `RememberedReads`. */
const governing = [ApiToken, Session, Tenant, User].map(({ definition }) => definition.name)

export const records = RememberedReads.layer(governing).pipe(
  Layer.provide(ToldRemovals.layer),
  Layer.provide(PgRecords.layer)
)
