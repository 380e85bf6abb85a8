/** Whoever asks, as the policies of all resources see it. */
import * as Attribute from "../resource/Attribute.ts"
import type { Condition } from "../resource/expression/Expression.ts"
import * as E from "../resource/expression/Expression.ts"
import { type NamesOf, namesOf } from "../resource/Names.ts"

/** `system` is a program's own, for one tenant: jobs and sign-ins. */
const roles = ["viewer", "operator", "admin", "system"] as const

export const actor = {
  id: Attribute.uuid,
  tenantId: Attribute.uuid,
  name: Attribute.text(320),
  role: Attribute.oneOf(roles),
  /** Everything, in every tenant. */
  isSuperUser: Attribute.boolean,
  /** The part of the tenant that alone is seen and changed; none for the whole, see `Partition`. */
  partitionId: Attribute.text(255).optional(),
  /** Of what was shown: `read` changes nothing, and only `admin` changes who may do what. */
  scope: Attribute.oneOf(["read", "write", "admin"])
}

type Whole = Attribute.RecordOf<typeof actor>

/** Of the whole tenant, unless a partition is named. */
export type Actor = Omit<Whole, "partitionId"> & Partial<Pick<Whole, "partitionId">>

export const bypass = (names: NamesOf<typeof actor>): Condition => E.equals(names.isSuperUser, true)

/** The same for what only the scope `admin` changes: it is a limit beside the role, also of who may do everything. */
export const bypassForGovernors = (names: NamesOf<typeof actor>): Condition =>
  E.and(E.equals(names.isSuperUser, true), E.equals(names.scope, "admin"))

const { role, scope } = namesOf("actor", actor)

export const isAnybody: Condition = E.oneOf(role, roles)
export const isOperator: Condition = E.oneOf(role, ["operator", "admin", "system"])
export const isAdmin: Condition = E.equals(role, "admin")
export const isSystem: Condition = E.equals(role, "system")

/** Whether what was shown is for changes of people, tokens, sessions and tenants. */
export const mayGovern: Condition = E.equals(scope, "admin")

/** Of a tenant's own jobs. */
export const system = (tenantId: string): Actor => ({
  id: "00000000-0000-0000-0000-000000000000",
  tenantId,
  name: "system",
  role: "system",
  isSuperUser: false,
  scope: "admin"
})

/** Of what is of no tenant, or of one that is not known yet: sign-ins, and the command line of the machine. */
export const superSystem: Actor = { ...system("00000000-0000-0000-0000-000000000000"), isSuperUser: true }
