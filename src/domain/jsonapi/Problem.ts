/** What is wrong with a request, as an error object of JSON:API. */
export interface Problem {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly source?: { readonly pointer: string } | { readonly parameter: string } | { readonly header: string }
}

export const ofParameter = (parameter: string, detail: string): Problem => ({
  status: 400,
  code: "invalid_query",
  title: "Invalid Query",
  detail,
  source: { parameter }
})

/** A field that whoever asks is not shown, and would learn of in this way. */
export const ofHiddenField = (parameter: string, resource: string, field: string): Problem => ({
  ...ofParameter(
    parameter,
    `${field} of ${resource} is hidden from you: nothing can be filtered, sorted or included by it`
  ),
  code: "hidden_field",
  title: "Hidden Field"
})

export const ofBody = (pointer: string, detail: string): Problem => ({
  status: 400,
  code: "invalid_body",
  title: "Invalid Body",
  detail,
  source: { pointer }
})

export const ofHeader = (status: number, header: string, title: string, detail: string): Problem => ({
  status,
  code: title.toLowerCase().replaceAll(" ", "_"),
  title,
  detail,
  source: { header }
})

export const plain = (status: number, code: string, title: string, detail: string): Problem => ({
  status,
  code,
  title,
  detail
})

/** The documents of a failed request; the status is that of the first. */
export const document = (problems: ReadonlyArray<Problem>) => ({
  errors: problems.map(({ status, ...rest }) => ({ status: `${status}`, ...rest }))
})
