/** What all pages have in common: a document that works without scripts, at any size, and for whoever listens to it. */
import { type Html, html } from "./Html.ts"

/** The only style; a page names its hash to the browser, which takes no other. */
export const style = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { margin: 0; padding: 1rem }
main { max-width: 26rem; margin: 8vh auto 0 }
h1 { font-size: 1.5rem }
label { display: block; margin-top: 1rem; font-weight: 600 }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit }
button { margin-top: 1.25rem; padding: .6rem 1.2rem; font: inherit; font-weight: 600; cursor: pointer }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
.notice { border-left: .3rem solid; padding: .5rem .75rem }
dt { font-weight: 600 } dd { margin: 0 0 .5rem }
`

export interface Page {
  readonly title: string
  readonly body: Html
}

/** Said at once by whoever reads the page aloud. */
export const alert = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<p class="notice" role="alert">${text}</p>`

export const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}">`

export const document = ({ body, title }: Page): string =>
  `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ServiceRadar</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>`.html
  }\n`
