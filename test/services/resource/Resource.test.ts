import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import * as fc from "fast-check"
import {
  allowed,
  decide,
  Expression as E,
  type Forbidden,
  Invalid,
  type InvalidTransition,
  toSql,
  valueOf
} from "../../../src/services/resource/index.ts"
import { ada, olga, root, stranger, tenants, Ticket, vera } from "./ticket.ts"

const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const uuid = () => "a0000000-0000-4000-8000-000000000001"

type Refused = Forbidden | Invalid | InvalidTransition

const fieldsOf = (result: Result.Result<unknown, Refused>) =>
  Result.isFailure(result) && result.failure instanceof Invalid
    ? result.failure.problems.map(({ code, field }) => `${field} ${code}`)
    : result

const tagOf = (result: Result.Result<unknown, Refused>) => Result.isFailure(result) ? result.failure._tag : "done"

const ticketOf = (actor: typeof ada | typeof olga, owner: string | null = null) => {
  const made = decide(Ticket, "open", null, { actor, input: { title: "Hot", owner }, now, uuid })
  const ticket = Result.getOrThrow(made)
  if (ticket === null) throw new Error("a ticket that is made is there")
  return ticket
}

describe("An action", () => {
  it("makes a record with defaults, nulls and the tenant of whoever asks", () => {
    assert.deepStrictEqual(ticketOf(olga), {
      tenantId: tenants[0],
      id: uuid(),
      title: "Hot",
      owner: null,
      state: "open",
      priority: 3,
      openedAt: now,
      closedAt: null,
      reason: null
    })
  })

  it("takes nothing that it does not declare, and says everything that is wrong at once", () => {
    const input = {
      title: "A title that is too long for a ticket",
      state: "closed",
      tenantId: tenants[1],
      toString: "x",
      priority: 1.5
    }

    assert.deepStrictEqual(fieldsOf(decide(Ticket, "open", null, { actor: olga, input, now, uuid })), [
      "state unknown",
      "tenantId unknown",
      "toString unknown",
      "title invalid",
      "priority invalid"
    ])
  })

  it("asks for what is required, and lets null stand only where it may", () => {
    // @ts-expect-error a title is required
    assert.deepStrictEqual(fieldsOf(decide(Ticket, "open", null, { actor: olga, input: {}, now, uuid })), [
      "title required"
    ])
    const rename = { actor: olga, input: { title: null, owner: null }, now, uuid } as const
    // @ts-expect-error a title is never null
    assert.deepStrictEqual(fieldsOf(decide(Ticket, "rename", ticketOf(olga), rename)), ["title invalid"])
  })

  it("holds its rules against the record as it would be", () => {
    const input = { title: "", priority: 9 }

    assert.deepStrictEqual(fieldsOf(decide(Ticket, "open", null, { actor: olga, input, now, uuid })), [
      "title invalid",
      "priority invalid"
    ])
  })

  it("changes nothing that is kept for good, the tenant included", () => {
    const later = DateTime.add(now, { days: 1 })
    const renamed = decide(Ticket, "rename", ticketOf(olga), { actor: olga, input: { openedAt: later }, now, uuid })
    const moved = decide(Ticket, "move", ticketOf(olga), { actor: olga, input: { to: tenants[1] }, now, uuid })
    const same = decide(Ticket, "rename", ticketOf(olga), { actor: olga, input: { openedAt: now }, now, uuid })

    assert.deepStrictEqual(fieldsOf(renamed), ["openedAt immutable"])
    assert.deepStrictEqual(fieldsOf(moved), ["tenantId immutable"])
    assert.strictEqual(tagOf(same), "done")
  })

  it("is decided by its policies, on the record too", () => {
    const request = { input: { reason: "Fan" }, now, uuid }

    assert.strictEqual(tagOf(decide(Ticket, "close", ticketOf(olga, "Olga"), { ...request, actor: olga })), "done")
    assert.strictEqual(tagOf(decide(Ticket, "close", ticketOf(olga, "Ada"), { ...request, actor: olga })), "Forbidden")
    assert.strictEqual(tagOf(decide(Ticket, "close", ticketOf(olga), { ...request, actor: olga })), "Forbidden")
    assert.strictEqual(tagOf(decide(Ticket, "close", ticketOf(olga, "Ada"), { ...request, actor: vera })), "Forbidden")
    assert.strictEqual(tagOf(decide(Ticket, "close", ticketOf(olga, "Olga"), { ...request, actor: ada })), "done")
  })

  it("is forbidden to the other tenant, whatever its role, but not to a super user", () => {
    const ticket = ticketOf(olga, "Ada")
    const request = { input: {}, now, uuid }

    assert.strictEqual(tagOf(decide(Ticket, "remove", ticket, { ...request, actor: stranger })), "Forbidden")
    assert.strictEqual(tagOf(decide(Ticket, "hold", ticket, { ...request, actor: stranger })), "Forbidden")
    assert.deepStrictEqual(decide(Ticket, "remove", ticket, { ...request, actor: root }), Result.succeed(null))
  })

  it("moves from state to state as declared, in any order of actions", () => {
    const moves = { hold: ["open"], close: ["open", "held"], reopen: ["closed"] }
    const to = { hold: "held", close: "closed", reopen: "open" }
    const step = fc.constantFrom<keyof typeof moves>("hold", "close", "reopen")

    fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let ticket = ticketOf(ada)
      let state = "open"
      for (const name of steps) {
        const request = { actor: ada, now, uuid }
        const result = name === "close"
          ? decide(Ticket, name, ticket, { ...request, input: { reason: "Fan" } })
          : decide(Ticket, name, ticket, { ...request, input: {} })
        assert.strictEqual(tagOf(result), moves[name].includes(state) ? "done" : "InvalidTransition")
        if (!moves[name].includes(state)) continue
        state = to[name]
        ticket = Result.getOrThrow(result) ?? ticket
        assert.strictEqual(ticket.state, state)
        assert.strictEqual(ticket.closedAt === null, state !== "closed")
      }
    }))
  })
})

describe("A condition of a resource", () => {
  it("becomes SQL without what the actor decides", () => {
    const surroundings = { actor: vera, arguments: {}, now }
    const late = E.and(allowed(Ticket, "read"), Ticket.calculations.isLate)

    assert.deepStrictEqual(toSql(Ticket, late, surroundings), {
      text: "((tenant_id = $1::uuid) AND ((state <> $2::text) AND (opened_at < $3::timestamptz)))",
      binds: [
        { t: "uuid", v: tenants[0] },
        { t: "text", v: "closed" },
        { t: "timestamptz", v: "2026-03-03T12:00:00.000Z" }
      ]
    })
    assert.strictEqual(toSql(Ticket, allowed(Ticket, "remove"), surroundings).text, "FALSE")
    assert.strictEqual(toSql(Ticket, allowed(Ticket, "remove"), { ...surroundings, actor: root }).text, "TRUE")
  })

  it("names the column that an attribute names", () => {
    const { text } = toSql(Ticket, Ticket.where(({ record }) => E.isNull(record.reason)), {
      actor: vera,
      arguments: {},
      now
    })

    assert.strictEqual(text, "(why IS NULL)")
  })

  it("is unknown where its values are, and an unknown policy allows nothing", () => {
    const surroundings = { actor: { ...olga, name: null }, arguments: {}, now }

    assert.isNull(valueOf(Ticket.calculations.isLate, { state: "open", openedAt: null }, surroundings))
    assert.isFalse(
      valueOf(allowed(Ticket, "close"), { ...ticketOf(olga, "Olga"), tenantId: null }, surroundings) === true
    )
  })
})
