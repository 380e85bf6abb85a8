/** A place in a list, as an address carries it: the values of what the list is sorted by, and of that order alone. */
import { Option, Result, Schema } from "effect"
import * as Base64Url from "effect/encoding/Base64Url"
import type { Sorting } from "../records/Order.ts"
import { toJson } from "../records/Record.ts"
import type { Answer } from "../resource/expression/Kind.ts"
import * as Values from "./Values.ts"

const Cursor = Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.Array(Schema.Unknown)]))
const decode = Schema.decodeUnknownOption(Cursor)

/** Of the order, which must be complete, in the words of the request. */
export const encode = (order: string, values: ReadonlyArray<Answer>): string =>
  Base64Url.encode(JSON.stringify([order, values.map(toJson)]))

export const parse = (
  text: string,
  order: string,
  sortings: ReadonlyArray<Sorting>
): Option.Option<ReadonlyArray<Answer>> =>
  Result.getSuccess(Base64Url.decodeString(text)).pipe(
    Option.flatMap(decode),
    Option.filter(([of, values]) => of === order && values.length === sortings.length),
    Option.flatMap(([, values]) =>
      Option.all(sortings.map(({ of }, at) => {
        const value = values[at]
        return value === null ? Option.some(null) : Result.getSuccess(Values.fromJson(of.kind, value))
      }))
    )
  )
