/** Files of the Go services say nothing by an absent key or by an empty text. */
export const nonEmpty = (text: string | undefined, otherwise: string): string =>
  text === undefined || text === "" ? otherwise : text
