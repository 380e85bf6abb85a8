/** The `webhooks` of core's configuration file. */
import { Duration, Option, Redacted, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"

const Url = Schema.String.check(
  Schema.makeFilter((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url?.protocol === "http:" || url?.protocol === "https:" || "an http or https URL"
  })
)

const Header = Schema.Struct({
  key: Schema.String.check(Schema.isPattern(/^[\w!#$%&'*+.^`|~-]+$/)),
  value: Schema.String
})

const Block = Schema.Struct({
  enabled: Schema.optionalKey(Schema.Boolean),
  url: Schema.optionalKey(Schema.String),
  headers: Schema.optionalKey(Schema.Array(Header)),
  template: Schema.optionalKey(Schema.String),
  /** Between two alerts of one title about one poller. */
  cooldown: Schema.optionalKey(GoDuration)
})

const problemsOf = (block: typeof Block.Type): ReadonlyArray<Schema.FilterIssue> =>
  block.enabled !== true ? [] : [
    ...(Schema.is(Url)(block.url ?? "") ? [] : [{ path: ["url"], issue: "an http or https URL" }]),
    ...((block.template ?? "") === ""
      ? []
      : [{ path: ["template"], issue: "no template: Go templates are not supported, the default body is sent" }])
  ]

/** As written in the file, already judged. Of one that is not enabled nothing else counts. */
export const WebhookBlock = Block.check(Schema.makeFilter(problemsOf))

export interface Webhook {
  /** May carry a token. */
  readonly url: Redacted.Redacted
  readonly headers: Readonly<Record<string, string>>
  readonly cooldown: Duration.Duration
}

export const fromBlock = (block: typeof WebhookBlock.Type): Option.Option<Webhook> =>
  block.enabled !== true ? Option.none() : Option.some({
    url: Redacted.make(block.url ?? ""),
    headers: Object.fromEntries((block.headers ?? []).map(({ key, value }) => [key.toLowerCase(), value])),
    cooldown: block.cooldown ?? Duration.zero
  })
