/** `cors` of core's file: the sites whose pages a browser may let read what core answers. */
import { Schema } from "effect"

const Origin = Schema.String.check(
  Schema.makeFilter((text) =>
    text === "*" || URL.parse(text)?.origin === text || "an origin such as https://radar.example.org, without a path"
  )
)

export const CorsBlock = Schema.Struct({
  allowed_origins: Schema.optionalKey(Schema.Array(Origin)),
  allow_credentials: Schema.optionalKey(Schema.Boolean)
}).check(
  Schema.makeFilter(({ allow_credentials, allowed_origins = [] }) =>
    allow_credentials !== true || !allowed_origins.includes("*") || {
      path: ["allowed_origins"],
      issue: "origins by name: with allow_credentials every site could act as whoever looks at it"
    }
  )
)
type CorsBlock = typeof CorsBlock.Type

export interface Cors {
  /** None: core's answers are for its own pages and for programs. */
  readonly origins: ReadonlySet<string>
  readonly allowsCredentials: boolean
}

export const fromBlock = ({ allow_credentials, allowed_origins }: CorsBlock = {}): Cors => ({
  origins: new Set(allowed_origins ?? []),
  allowsCredentials: allow_credentials === true
})
