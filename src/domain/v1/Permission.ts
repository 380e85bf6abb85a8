/**
 * Who may ask for a route: a role has what those below it have. What was shown may narrow it: a token of scope `read` changes
 * nothing, whoever its owner is.
 */

/** What is known of whoever asks. */
type Asking = Readonly<Record<string, unknown>>

const roles = ["viewer", "operator", "admin", "system"] as const

export type Role = "viewer" | "operator" | "admin"

const rankOf = (role: unknown): number => roles.findIndex((one) => one === role)

const hasRole = ({ isSuperUser, role }: Asking, least: string): boolean =>
  isSuperUser === true || (rankOf(least) >= 0 && rankOf(role) >= rankOf(least))

/** Whether somebody has one of the roles that an operator wants for a path; of none everybody has one. */
export const hasAny = (actor: Asking, wanted: ReadonlyArray<string>): boolean =>
  wanted.length === 0 || wanted.some((role) => hasRole(actor, role))

export const may = (actor: Asking, least: Role, isRead: boolean): boolean =>
  hasRole(actor, least) && (isRead || actor["scope"] !== "read")
