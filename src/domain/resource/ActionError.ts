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
