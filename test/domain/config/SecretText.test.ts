import { assert, describe, it } from "@effect/vitest"
import * as SecretText from "../../../src/domain/config/SecretText.ts"

describe("SecretText", () => {
  it.each([
    ["postgresql://user:s3cr3t@host/db", "postgresql://<redacted>@host/db"],
    [
      "postgresql://host/db?user=u&password=s3cr3t&sslmode=disable",
      "postgresql://host/db?user=u&password=<redacted>&sslmode=disable"
    ],
    ["host=1 user=x password=s3cr3t", "host=1 user=x password=<redacted>"],
    ["host=1 password='s3 cr3t' dbname=d", "host=1 password=<redacted> dbname=d"],
    ["host=1 password=s3@cr3t", "host=1 password=<redacted>"],
    ["Server=db;User Id=u;Password=s3cr3t;Port=5432", "Server=db;User Id=u;Password=<redacted>;Port=5432"],
    ["password = s3cr3t", "password = <redacted>"],
    ["nats://a:s3cr3t@one:4222,nats://b:s3cr3t@two:4222", "nats://<redacted>@two:4222"],
    ["user:s3cr3t@host", "<redacted>@host"],
    ["https://host/path?page=2", "https://host/path?page=2"],
    ["host=1 dbname=d", "host=1 dbname=d"]
  ])("shows %j without its secrets", (text, expected) => {
    assert.strictEqual(SecretText.inAddress(text), expected)
  })
})
