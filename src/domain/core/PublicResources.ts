/** What of the control plane others can ask for: under `/api/v2`, and in SRQL. */
import { EdgePackage } from "../edge/EdgePackage.ts"
import { ApiToken } from "../identity/ApiToken.ts"
import { AuditEntry } from "../identity/AuditEntry.ts"
import { Session } from "../identity/Session.ts"
import { SignInLink } from "../identity/SignInLink.ts"
import { Tenant } from "../identity/Tenant.ts"
import { User } from "../identity/User.ts"
import { Device } from "../inventory/devices/Device.ts"
import { DeviceAliasState } from "../inventory/devices/DeviceAliasState.ts"
import { DeviceGroup } from "../inventory/devices/DeviceGroup.ts"
import { DeviceIdentifier } from "../inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../inventory/devices/Interface.ts"
import { MergeAudit } from "../inventory/devices/MergeAudit.ts"
import type { Exposed } from "../jsonapi/Wire.ts"

/** `hidden` is what only a program does, or what is done with more than a record: a token is shown as it is made. */
export const exposed: ReadonlyArray<Exposed> = [
  { definition: Tenant.definition },
  {
    definition: User.definition,
    hidden: ["createSuperUser", "setPassword", "configure", "reconfigure", "signIn", "failSignIn"]
  },
  { definition: ApiToken.definition, hidden: ["create", "recordUse"] },
  { definition: Session.definition, hidden: ["begin", "renew"] },
  { definition: SignInLink.definition, hidden: ["make", "use", "end"] },
  { definition: AuditEntry.definition },
  { definition: Device.definition, hidden: ["discover", "refresh"] },
  { definition: DeviceGroup.definition },
  { definition: Interface.definition, hidden: ["record", "refresh"] },
  { definition: DeviceIdentifier.definition, hidden: ["move"] },
  { definition: MergeAudit.definition },
  { definition: DeviceAliasState.definition, hidden: ["detect", "detectAgain", "recordSighting"] },
  { definition: EdgePackage.definition, hidden: ["issue", "deliver", "activate"] }
]
