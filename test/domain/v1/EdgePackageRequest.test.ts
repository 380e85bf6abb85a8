/** What a package may be asked for with, and the words for what it may not. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Result } from "effect"
import * as EdgePackageRequest from "../../../src/domain/v1/EdgePackageRequest.ts"

const parse = (body: unknown) => EdgePackageRequest.parse(typeof body === "string" ? body : JSON.stringify(body))

const wordsOf = (body: unknown) => {
  const parsed = parse(body)
  return Result.isFailure(parsed) ? parsed.failure : "taken"
}

const taken = (body: object) => Result.getOrThrow(parse({ label: "Edge 7", ...body }))

const invalid = "edge onboarding: invalid request:"

describe("A request for a package", () => {
  it.each(
    [
      ["{", "invalid JSON payload"],
      ["[]", "invalid JSON payload"],
      [{ label: 7 }, "invalid JSON payload"],
      [{}, "label is required"],
      [{ label: "  " }, "label is required"],
      [{ label: "x", download_token_ttl_seconds: -1 }, "ttl values must be non-negative"],
      [{ label: "x", join_token_ttl_seconds: -1 }, "ttl values must be non-negative"],
      [{ label: "x", component_type: "gateway" }, "component_type must be poller, agent, or checker"],
      [{ label: "x", parent_type: "gateway" }, "parent_type must be poller, agent, or checker"],
      [{ label: "x", parent_id: "y" }, "parent_id is not allowed for poller packages"],
      [{ label: "x", metadata_json: "[" }, `${invalid} metadata_json must be valid JSON`],
      [{ label: "x", metadata_json: "[1]" }, `${invalid} metadata_json must be valid JSON`],
      [{ label: "x", component_type: "agent" }, `${invalid} parent_id is required for agent packages`],
      [{ label: "x", component_type: "checker" }, `${invalid} parent_id is required for checker packages`],
      [
        { label: "x", component_type: "checker", parent_id: "a", checker_config_json: "{" },
        `${invalid} checker_config_json must be valid JSON`
      ],
      [{ label: "???" }, `${invalid} component_id could not be determined`],
      [
        { label: "x", download_token_ttl_seconds: 2_592_001 },
        `${invalid} download_token_ttl_seconds must be at most 2592000`
      ]
    ]
  )("is refused: %j", (body, words) => {
    assert.strictEqual(wordsOf(body), words)
  })

  // As part of a name in a certificate it must be one label of it, and no other's.
  it.each(["core.", "a.b", "Core", "-a", "a-", "a/b", "a\u0000", "x".repeat(44), "ä"])(
    "is refused for the id %j",
    (id) => {
      assert.strictEqual(
        wordsOf({ label: "x", component_id: id }),
        `${invalid} component_id must be 1 to 43 lower-case letters, digits and dashes`
      )
    }
  )

  it("names what has no name by its label, and takes a poller's id for its own", () => {
    assert.strictEqual(taken({}).componentId, "edge-7")
    assert.strictEqual(taken({ poller_id: "p1" }).componentId, "p1")
    assert.deepInclude(taken({ component_id: "c1", poller_id: "p1" }), { componentId: "c1", pollerId: "c1" })
    assert.strictEqual(taken({ label: `${"x".repeat(42)}-y` }).componentId, "x".repeat(42))
  })

  it("puts an agent below its poller and a checker below its agent", () => {
    assert.deepInclude(taken({ component_type: " Agent ", component_id: "a1", parent_id: "p1" }), {
      parentType: "poller",
      pollerId: "p1"
    })
    assert.deepInclude(taken({ component_type: "checker", component_id: "c1", parent_id: "a1", poller_id: "p1" }), {
      parentType: "agent",
      pollerId: "p1"
    })
  })

  it.each(
    [
      [{}, "spire"],
      [{ security_mode: "MTLS" }, "mtls"],
      [{ security_mode: "none" }, "spire"],
      [{ metadata_json: `{"security_mode":"mtls"}` }, "mtls"],
      [{ security_mode: "spire", metadata_json: `{"security_mode":"mtls"}` }, "spire"],
      [{ component_type: "checker", parent_id: "a", checker_kind: "sysmon" }, "mtls"],
      [{ component_type: "checker", parent_id: "a", checker_kind: "snmp" }, "spire"]
    ]
  )("is secured as it says: %j", (body, mode) => {
    assert.strictEqual(taken(body).securityMode, mode)
  })

  it("has metadata as texts, and a life of its token where it says one", () => {
    assert.deepStrictEqual(
      taken({ metadata_json: `{" Core_Address ":" c:1 ","n":1,"b":true,"no":null}`, datasvc_endpoint: "d:1" }).metadata,
      { core_address: "c:1", n: "1", b: "true", datasvc_endpoint: "d:1" }
    )
    assert.isTrue(Option.isNone(taken({ download_token_ttl_seconds: 0 }).tokenLife))
    assert.deepStrictEqual(
      Option.map(taken({ download_token_ttl_seconds: 60 }).tokenLife, Duration.toSeconds),
      Option.some(60)
    )
  })
})
