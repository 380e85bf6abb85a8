/** The tenant a request is for: `X-Tenant-Id`, its id or its short name. A super user may name any, everybody else their own. */
export const header = "x-tenant-id"

export const expected = "the id or the short name of your tenant, or of any for a super user"
