/**
 * Sessions and links with which nobody can sign in any more, and how long they are still shown to administrators. What became of
 * them stays in the audit.
 */
import * as E from "../resource/expression/Expression.ts"
import type { Node } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"
import { Session } from "./Session.ts"
import { SignInLink } from "./SignInLink.ts"

export interface Ended {
  readonly definition: Definition
  readonly where: Node
}

/** Refresh tokens are sessions of programs. */
export const ended: ReadonlyArray<Ended> = [
  {
    definition: Session.definition,
    where:
      Session.where(({ record }) =>
        E.or(E.lessThan(record.expiresAt, E.ago("7 days")), E.lessThan(record.endedAt, E.ago("7 days")))
      ).node
  },
  {
    definition: SignInLink.definition,
    where: SignInLink.where(({ record }) => E.lessThan(record.expiresAt, E.ago("1 day"))).node
  }
]
