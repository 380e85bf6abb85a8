/** What of the control plane others can ask for under `/api/v2`, and the schema that it needs. */
import { Layer } from "effect"
import { ApiToken } from "../../domain/identity/ApiToken.ts"
import { AuditEntry } from "../../domain/identity/AuditEntry.ts"
import { Session } from "../../domain/identity/Session.ts"
import { SignInLink } from "../../domain/identity/SignInLink.ts"
import { Tenant } from "../../domain/identity/Tenant.ts"
import { User } from "../../domain/identity/User.ts"
import { Device } from "../../domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../domain/inventory/devices/DeviceAliasState.ts"
import { DeviceGroup } from "../../domain/inventory/devices/DeviceGroup.ts"
import { DeviceIdentifier } from "../../domain/inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../../domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import type { Exposed } from "../../domain/jsonapi/Wire.ts"
import { migrations as coreMigrations } from "../../layers/core/migrations/migrations.ts"
import { migrations as identityMigrations } from "../../layers/identity/migrations/migrations.ts"
import { migrations as inventoryMigrations } from "../../layers/inventory/migrations/migrations.ts"
import { migrations as queryMigrations } from "../../layers/queries/migrations/migrations.ts"
import { migrations as recordMigrations } from "../../layers/records/migrations/migrations.ts"
import * as PgRecords from "../../layers/records/PgRecords.ts"
import * as RememberedReads from "../../layers/records/RememberedReads.ts"

/** In this order: later ones refer to tables of those before. */
export const migrations = [coreMigrations, recordMigrations, identityMigrations, inventoryMigrations, queryMigrations]

/** Each request asks who asks: of these resources, see `RememberedReads`. */
const governing = [ApiToken, Session, Tenant, User].map(({ definition }) => definition.name)

export const records = RememberedReads.layer(governing).pipe(Layer.provide(PgRecords.layer))

/** `hidden` is what only a program does, or what is done with more than a record: a token is shown as it is made. */
export const exposed: ReadonlyArray<Exposed> = [
  { definition: Tenant.definition },
  { definition: User.definition, hidden: ["setPassword", "configure", "reconfigure", "signIn", "failSignIn"] },
  { definition: ApiToken.definition, hidden: ["create", "recordUse"] },
  { definition: Session.definition, hidden: ["begin", "renew"] },
  { definition: SignInLink.definition, hidden: ["make", "use"] },
  { definition: AuditEntry.definition },
  { definition: Device.definition, hidden: ["discover", "refresh"] },
  { definition: DeviceGroup.definition },
  { definition: Interface.definition, hidden: ["record", "refresh"] },
  { definition: DeviceIdentifier.definition, hidden: ["move"] },
  { definition: MergeAudit.definition },
  { definition: DeviceAliasState.definition, hidden: ["detect", "detectAgain", "recordSighting"] }
]
