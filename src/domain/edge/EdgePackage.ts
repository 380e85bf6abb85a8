/**
 * What a new poller, agent or checker is set up with: named here, fetched once by whoever has its token. Its certificate is made as it
 * is fetched, so nothing secret is kept but the SHA-256 of the token.
 */
import { actor, bypass, bypassForGovernors, isAdmin, isOperator, isSystem, mayGovern } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

export const componentTypes = ["poller", "agent", "checker"] as const
export type ComponentType = typeof componentTypes[number]

/** Whoever fetches one without a sign-in, in the audit. */
export const holder = "edge-download@system"

/** Nothing is left that is secret. */
const ended = { updatedAt: E.now, tokenHash: null, checkerConfigJson: null }

export const EdgePackage = declare({
  name: "edge-package",
  table: "edge_packages",
  key: "id",
  tenant: "tenantId",
  // Pollers of all of them.
  partition: null,
  identities: { component: ["component"] },
  state: "state",
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    label: Attribute.text(255).immutable(),
    componentId: Attribute.text(43).immutable(),
    componentType: Attribute.oneOf(componentTypes).immutable(),
    parentType: Attribute.oneOf(componentTypes).optional().immutable(),
    parentId: Attribute.text(255).optional().immutable(),
    pollerId: Attribute.text(255).immutable(),
    /** Type and id for as long as nobody else may be set up as it. */
    component: Attribute.text(128).optional().private(),
    site: Attribute.text(255).optional().immutable(),
    securityMode: Attribute.oneOf(["mtls"]).or("mtls").immutable(),
    metadataJson: Attribute.text().immutable(),
    checkerKind: Attribute.text(255).optional().immutable(),
    /** It may hold passwords: shown as it is made and to whoever fetches it, and then kept no longer. */
    checkerConfigJson: Attribute.text().optional().sensitive(),
    notes: Attribute.text(4096).optional().immutable(),
    state: Attribute.oneOf(["issued", "delivered", "activated", "revoked", "deleted"]).or("issued"),
    /** SHA-256 of the token, in lower-case hex; none once it is of no use. */
    tokenHash: Attribute.text(64).optional().sensitive(),
    tokenExpiresAt: Attribute.instant.immutable(),
    createdBy: Attribute.text(320).optional(),
    createdAt: Attribute.instant.generated("now").immutable(),
    updatedAt: Attribute.instant.generated("now"),
    deliveredAt: Attribute.instant.optional(),
    /** The address that has fetched it. */
    deliveredTo: Attribute.text(64).optional(),
    activatedAt: Attribute.instant.optional(),
    /** The address that its first report named. */
    activatedFrom: Attribute.text(64).optional(),
    revokedAt: Attribute.instant.optional(),
    revokedBy: Attribute.text(320).optional(),
    revokedReason: Attribute.text(1000).optional(),
    deletedAt: Attribute.instant.optional(),
    deletedBy: Attribute.text(320).optional()
  }
})
  .computes(({ record }) => {
    const isIn = (state: "delivered" | "activated" | "revoked" | "deleted") => E.equals(record.state, state)
    return {
      status: E.choose<"issued" | "delivered" | "activated" | "revoked" | "expired" | "deleted">(
        [
          [isIn("delivered"), "delivered"],
          [isIn("activated"), "activated"],
          [isIn("revoked"), "revoked"],
          [isIn("deleted"), "deleted"],
          [E.atMost(record.tokenExpiresAt, E.now), "expired"]
        ],
        "issued"
      )
    }
  })
  .does((on) => ({
    read: on.read(),
    issue: on.create({
      accepts: [
        "label",
        "componentId",
        "componentType",
        "parentType",
        "parentId",
        "pollerId",
        "site",
        "metadataJson",
        "checkerKind",
        "checkerConfigJson",
        "notes",
        "tokenHash",
        "tokenExpiresAt"
      ],
      change: ({ actor, record }) => ({
        component: E.concat(record.componentType, "/", record.componentId),
        createdBy: actor.name
      })
    }),
    deliver: on.update({
      given: { address: Attribute.text(64) },
      from: ["issued"],
      to: "delivered",
      change: ({ given }) => ({ deliveredAt: E.now, deliveredTo: given.address, ...ended }),
      require: ({ record }) => [["tokenExpiresAt", E.greaterThan(record.tokenExpiresAt, E.now), "is over"]]
    }),
    /** Its component was heard of. */
    activate: on.update({
      given: { address: Attribute.text(64) },
      from: ["delivered"],
      to: "activated",
      change: ({ given }) => ({ activatedAt: E.now, activatedFrom: given.address, updatedAt: E.now })
    }),
    revoke: on.update({
      given: { reason: Attribute.text(1000).optional() },
      from: ["issued", "delivered", "activated"],
      to: "revoked",
      change: ({ actor, given }) => ({
        revokedAt: E.now,
        revokedBy: actor.name,
        revokedReason: given.reason,
        component: null,
        ...ended
      })
    }),
    /** It stays in the audit. */
    softDelete: on.update({
      from: ["issued", "revoked"],
      to: "deleted",
      change: ({ actor }) => ({
        deletedAt: E.now,
        deletedBy: actor.name,
        component: null,
        ...ended
      }),
      require: ({ record }) => [[
        "revokedAt",
        E.or(E.not(E.isNull(record.revokedAt)), E.atMost(record.tokenExpiresAt, E.now)),
        "must be there: only what is revoked, or over, is deleted"
      ]]
    })
  }))
  .permits(({ allow }) => [
    allow(["read"], isOperator),
    allow(["issue"], E.and(isOperator, mayGovern)),
    allow(["deliver", "activate"], isSystem),
    allow(["revoke", "softDelete"], E.and(isAdmin, mayGovern))
  ])
