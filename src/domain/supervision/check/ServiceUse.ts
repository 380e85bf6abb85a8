/** What is wrong with a child that uses the service of another: where it stands, or the strategy it is under. */
import type { Provider } from "../ChildState.ts"
import type { CheckedChild, Problem } from "./ChildCheck.ts"

/** The place in the list of each child that lends a service. */
export const providerPlaces = (children: ReadonlyArray<CheckedChild>): ReadonlyMap<Provider, number> =>
  new Map(children.flatMap(({ provider }, place) => provider === undefined ? [] : [[provider, place] as const]))

/** A user is restarted with its provider only behind it, and only under a strategy that parts them never. */
export const useProblems = (
  { uses = [] }: CheckedChild,
  place: number,
  places: ReadonlyMap<Provider, number>,
  strategy: string,
  isTopmost: boolean
): ReadonlyArray<Problem> =>
  uses.flatMap((provider): ReadonlyArray<Problem> => {
    const providerPlace = places.get(provider)
    if (providerPlace === undefined) {
      return isTopmost ? [["uses", provider.id, "a service of a child in the same list or further up"]] : []
    }
    if (providerPlace >= place) return [["uses", provider.id, "a service of a child that stands before it"]]
    return strategy === "one_for_one"
      ? [["uses", provider.id, "the strategy rest_for_one or one_for_all, which restart it with its provider"]]
      : []
  })
