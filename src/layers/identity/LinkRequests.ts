/**
 * Links that somebody wants to have by mail. Whoever asks is answered at once and alike; the user is looked up, and the mail sent,
 * afterwards. A user gets one a minute; whose address is that of several people who have not signed in yet, one for each of them. Where too many wait, or the server takes a mail for none of four attempts, it is dropped with
 * a warning: who waits for it in vain asks again.
 */
import { Clock, Context, Effect, Layer, Queue, Redacted, Schedule } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { minutes } from "../../domain/identity/SignInLink.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { Mail } from "../../services/identity/Mail.ts"
import type { Origin } from "../../services/identity/SignIns.ts"
import { Records } from "../../services/records/Records.ts"
import * as SignInLinks from "./SignInLinks.ts"

const waitingMax = 100
const betweenMillis = 60_000
/** Users of whom is known when they were sent one. */
const rememberedMax = 10_000
const atOnce = 4
const retry = Schedule.upTo(Backoff.capped({ from: "500 millis", to: "10 seconds" }), { times: 3 })

interface LinkRequest extends Origin {
  readonly email: string
}

interface Link {
  readonly address: string
  /** Whom it signs in, where that is not plain. */
  readonly name?: string
}

const textOf = (links: ReadonlyArray<Link>) =>
  `Sign in to ServiceRadar with ${
    links.length === 1 ? "this link" : "one of these links"
  }, within ${minutes} minutes and once:

${links.map(({ address, name }) => name === undefined ? address : `${name}\n${address}`).join("\n\n")}

If you have not asked for it, somebody else has typed your address. Nothing happens unless you use it.
`

export class LinkRequests extends Context.Service<LinkRequests, {
  /** Whether there is anybody who sends mail. */
  readonly isThere: boolean
  readonly ask: (request: LinkRequest) => Effect.Effect<void>
  /** For a supervisor. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar/layers/identity/LinkRequests") {
  /** `base` is where people reach core. */
  static readonly layer = (base: string): Layer.Layer<LinkRequests, never, Mail | Records> =>
    Layer.effect(LinkRequests, make(base))
}

const make = (base: string) =>
  Effect.gen(function*() {
    const mail = yield* Mail
    const records = yield* Records
    const waiting = yield* Queue.dropping<LinkRequest>(waitingMax)
    const sent = new Map<string, number>()

    const isDue = (user: string, nowMillis: number): boolean => {
      const before = sent.get(user)
      if (before !== undefined && nowMillis - before < betweenMillis) return false
      if (sent.size >= rememberedMax) sent.clear()
      sent.set(user, nowMillis)
      return true
    }

    const answer = Effect.fn("LinkRequests.answer")(
      function*({ email, ...origin }: LinkRequest) {
        const now = yield* Clock.currentTimeMillis
        const all = yield* Directory.usersByName(email, origin.requestId)
        const users = all.filter(({ values }) => isDue(String(values["id"]), now))
        const [first] = users
        if (first === undefined) return
        const to = String(first.values["email"])
        const links = yield* Effect.forEach(users, (user) =>
          Effect.gen(function*() {
            const address = SignInLinks.addressOf(base, yield* SignInLinks.make(user, origin))
            return all.length === 1
              ? { address }
              : { address, name: yield* Directory.fullNameOf(user, origin.requestId) }
          }))
        const text = Redacted.make(textOf(links))
        yield* mail.send({ to, subject: "Sign in to ServiceRadar", text }).pipe(
          Effect.retry({ schedule: retry, while: ({ mayPass }) => mayPass })
        )
      },
      (effect, { requestId }) =>
        effect.pipe(
          Effect.catch((error) =>
            Effect.logWarning(`Request ${requestId}: a link to sign in was not sent: ${error.message}`)
          )
        ),
      Effect.provideService(Records, records)
    )

    const keep = Effect.forever(Effect.flatMap(Queue.take(waiting), answer))
    return LinkRequests.of({
      isThere: mail.isThere,
      ask: (request) =>
        Effect.flatMap(
          Queue.offer(waiting, request),
          (isTaken) =>
            isTaken ? Effect.void : Effect.logWarning(`Request ${request.requestId}: too many wait for a link by mail`)
        ),
      keep: Effect.andThen(
        Effect.all(
          Array.from({ length: atOnce }, () => keep),
          { concurrency: atOnce }
        ),
        Effect.never
      )
    })
  })
