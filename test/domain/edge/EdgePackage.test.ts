/** The states of a package, by every action from every state, before its time is over and after. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Option, Result } from "effect"
import { EdgePackage } from "../../../src/domain/edge/EdgePackage.ts"
import { type Actor, system } from "../../../src/domain/records/Actor.ts"
import { fieldOf, type Values } from "../../../src/domain/records/Record.ts"
import { perform } from "../../../src/domain/resource/Perform.ts"

const { definition } = EdgePackage
const began = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const over = DateTime.addDuration(began, Duration.days(1))
const late = DateTime.addDuration(over, Duration.seconds(1))
const tenantId = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
const id = "a0000000-0000-4000-8000-000000000001"

const admin: Actor = { ...system(tenantId), name: "ada@example.org", role: "admin" }

const bySystem = new Set(["deliver", "activate"])

const write = (
  name: "issue" | "deliver" | "activate" | "revoke" | "softDelete",
  before: Values | null,
  now: DateTime.Utc,
  values: Readonly<Record<string, unknown>> = bySystem.has(name) ? { address: "127.0.0.1" } : {}
) =>
  perform(definition, name, EdgePackage.actions[name], { values, form: "values" }, before, {
    actor: bySystem.has(name) ? system(tenantId) : admin,
    now,
    uuid: () => id
  })

const made = (name: Parameters<typeof write>[0], before: Values | null, now: DateTime.Utc): Values =>
  Option.getOrThrow(Option.fromNullishOr(Result.getOrThrow(
    name === "issue"
      ? write(name, before, now, {
        label: "Edge 7",
        componentId: "edge-7",
        componentType: "poller",
        pollerId: "edge-7",
        metadataJson: "{}",
        checkerConfigJson: "{}",
        tokenHash: "hash",
        tokenExpiresAt: over
      })
      : write(name, before, now)
  )))

const issued = made("issue", null, began)
const delivered = made("deliver", issued, began)
const activated = made("activate", delivered, began)
const revoked = made("revoke", delivered, began)
const deleted = made("softDelete", revoked, began)

const statusOf = (values: Values, now: DateTime.Utc) =>
  fieldOf(EdgePackage.calculations.status.node, { values, version: "" }, { actor: {}, arguments: {}, now })

describe("A package", () => {
  it("is issued, delivered once, revoked and deleted", () => {
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map(({ state }) => state), [
      "issued",
      "delivered",
      "revoked",
      "deleted"
    ])
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map(({ tokenHash }) => tokenHash), [
      "hash",
      null,
      null,
      null
    ])
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map((one) => one["checkerConfigJson"]), [
      "{}",
      null,
      null,
      null
    ])
    assert.strictEqual(issued["createdBy"], "ada@example.org")
    assert.strictEqual(delivered["deliveredTo"], "127.0.0.1")
    assert.strictEqual(activated["activatedFrom"], "127.0.0.1")
    assert.strictEqual(statusOf(activated, late), "activated")
    assert.strictEqual(revoked["revokedBy"], "ada@example.org")
  })

  it("keeps what it is set up as from others until it is revoked", () => {
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map(({ component }) => component), [
      "poller/edge-7",
      "poller/edge-7",
      null,
      null
    ])
  })

  it("is over by its time, unless it was fetched, revoked or deleted before", () => {
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map((one) => statusOf(one, began)), [
      "issued",
      "delivered",
      "revoked",
      "deleted"
    ])
    assert.deepStrictEqual([issued, delivered, revoked, deleted].map((one) => statusOf(one, late)), [
      "expired",
      "delivered",
      "revoked",
      "deleted"
    ])
    // At the very moment it is over, too.
    assert.strictEqual(statusOf(issued, over), "expired")
  })

  it.each(
    [
      ["issued", issued, began, {
        deliver: "done",
        activate: "InvalidTransition",
        revoke: "done",
        softDelete: "Invalid"
      }],
      ["issued, over", issued, late, {
        deliver: "Invalid",
        activate: "InvalidTransition",
        revoke: "done",
        softDelete: "done"
      }],
      ["issued, over at this moment", issued, over, {
        deliver: "Invalid",
        activate: "InvalidTransition",
        revoke: "done",
        softDelete: "done"
      }],
      ["delivered", delivered, late, {
        deliver: "InvalidTransition",
        activate: "done",
        revoke: "done",
        softDelete: "InvalidTransition"
      }],
      ["activated", activated, late, {
        deliver: "InvalidTransition",
        activate: "InvalidTransition",
        revoke: "done",
        softDelete: "InvalidTransition"
      }],
      ["revoked", revoked, began, {
        deliver: "InvalidTransition",
        activate: "InvalidTransition",
        revoke: "InvalidTransition",
        softDelete: "done"
      }],
      ["deleted", deleted, began, {
        deliver: "InvalidTransition",
        activate: "InvalidTransition",
        revoke: "InvalidTransition",
        softDelete: "InvalidTransition"
      }]
    ] as const
  )("that is %s takes what its state allows, and nothing else", (_, before, now, expected) => {
    const outcome = (name: "deliver" | "activate" | "revoke" | "softDelete") => {
      const result = write(name, before, now)
      return Result.isSuccess(result) ? "done" : result.failure._tag
    }
    assert.deepStrictEqual(
      {
        deliver: outcome("deliver"),
        activate: outcome("activate"),
        revoke: outcome("revoke"),
        softDelete: outcome("softDelete")
      },
      expected
    )
  })

  it("is handed out by the system alone, and makes nobody more than they are", () => {
    const tried = (actor: Actor) =>
      perform(definition, "deliver", EdgePackage.actions.deliver, { values: { address: "" }, form: "values" }, issued, {
        actor,
        now: began,
        uuid: () => id
      })
    assert.isTrue(Result.isFailure(tried(admin)))
    assert.isTrue(Result.isSuccess(tried(system(tenantId))))
    assert.isTrue(Result.isFailure(tried(system("7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"))))
  })
})
