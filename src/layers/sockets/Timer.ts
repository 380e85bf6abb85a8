/**
 * Timers for what lives in Node's events and not in a fiber: sockets, sessions and streams that end by themselves. A
 * fiber for each of them would cost more than the timer, and no timer keeps a process alive.
 */
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers"

/** Node counts a longer timer as 1 ms. */
const timerMillisMax = 2 ** 31 - 1

/** Calls `act` later, never when `millis` is infinite; answers how to prevent it. */
export const later = (millis: number, act: () => void): () => void => {
  if (millis === Infinity) return () => {}
  let timer: NodeJS.Timeout
  const wait = (left: number) => {
    timer = setTimeout(
      () => left > timerMillisMax ? wait(left - timerMillisMax) : act(),
      Math.min(left, timerMillisMax)
    )
    timer.unref()
  }
  wait(millis)
  return () => clearTimeout(timer)
}

/** Calls `act` again and again; answers how to stop it. */
export const every = (millis: number, act: () => void): () => void => {
  const timer = setInterval(act, millis)
  timer.unref()
  return () => clearInterval(timer)
}
