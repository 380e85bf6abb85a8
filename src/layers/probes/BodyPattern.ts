/**
 * Matches an operator's regular expression against a body from the network, within a time limit.
 *
 * JavaScript's matcher can take for ever on an unlucky pair (`(a+)+$`), and would stop every other check with it. In a
 * context of its own it can be stopped.
 */
import { Duration, Effect } from "effect"
import * as vm from "node:vm"

const limit = Duration.millis(200)

/** Fails with the reason when the expression takes too long for this body. */
export const matches = (pattern: string, body: string): Effect.Effect<boolean, string> =>
  Effect.try({
    try: () =>
      vm.runInNewContext("new RegExp(pattern).test(body)", { pattern, body }, {
        timeout: Duration.toMillis(limit)
      }) === true,
    catch: () => `matching the body against ${JSON.stringify(pattern)} took longer than ${Duration.format(limit)}`
  })
