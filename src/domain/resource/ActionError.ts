/** Why an action was not carried out. Nothing here says what a record holds that its reader may not see. */
import { Schema } from "effect"

const about = { resource: Schema.String, action: Schema.String }

/** No policy allows it to whoever asks. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", about) {
  override get message(): string {
    return `${this.action} of ${this.resource} is not allowed`
  }
}

/** One thing that is wrong with what was given. */
export const Problem = Schema.Struct({
  /** Empty when it is about no field alone. */
  field: Schema.String,
  code: Schema.Literals(["required", "unknown", "immutable", "invalid"]),
  detail: Schema.String
})
export type Problem = typeof Problem.Type

export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", { ...about, problems: Schema.Array(Problem) }) {
  override get message(): string {
    const problems = this.problems.map(({ detail, field }) => field === "" ? detail : `${field} ${detail}`)
    return `${this.action} of ${this.resource}: ${problems.join("; ")}`
  }
}

export class InvalidTransition extends Schema.TaggedError<InvalidTransition>()("InvalidTransition", {
  ...about,
  from: Schema.String,
  to: Schema.String
}) {
  override get message(): string {
    return `${this.resource} is ${this.from}: ${this.action} cannot make it ${this.to}`
  }
}

/** There is none with this key, or it is another tenant's, or not to be seen by whoever asks: which, nobody is told. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { ...about, key: Schema.String }) {
  override get message(): string {
    return `there is no ${this.resource} ${JSON.stringify(this.key)}`
  }
}

/** Another record has what only one can have. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  ...about,
  /** Its name in the declaration, or `key`. */
  identity: Schema.String,
  fields: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.action} of ${this.resource}: another has the same ${this.fields.join(" and ")}`
  }
}

/** Others refer to the record that would be no more. */
export class Referenced extends Schema.TaggedError<Referenced>()("Referenced", about) {
  override get message(): string {
    return `${this.action} of ${this.resource}: other records refer to it`
  }
}

/** The record is no more as it was when whoever asks had last seen it. */
export class Changed extends Schema.TaggedError<Changed>()("Changed", {
  ...about,
  key: Schema.String,
  expected: Schema.String,
  version: Schema.String
}) {
  override get message(): string {
    return `${this.resource} ${JSON.stringify(this.key)} has changed since version ${this.expected}: read it again`
  }
}
