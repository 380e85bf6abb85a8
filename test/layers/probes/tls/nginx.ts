/** nginx with a certificate; for what a server of Node's would not do. */
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FreePort from "../../../../src/layers/process/endpoint/FreePort.ts"
import type { Issued } from "../../../support/authority.ts"
import { isOpen } from "../../../support/openPort.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const file = "/usr/sbin/nginx"

/** What tests go without, where it is not installed. */
export const missing = existsSync(file) ? undefined : "nginx"

const configuration = (folder: string, port: number) => `
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${folder}/chain.pem;
    ssl_certificate_key ${folder}/key.pem;
    ssl_protocols TLSv1.2;
    default_type application/json;
    location /health { return 200 '{"status":"ok","checks":[{"name":"db","up":true}]}'; }
  }
}
`

/** `127.0.0.1:port`. */
export const start = ({ cert, key }: Issued) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const port = yield* FreePort.next("127.0.0.1", 0)
    yield* Effect.promise(async () => {
      await fs.writeFile(path.join(folder, "chain.pem"), cert)
      await fs.writeFile(path.join(folder, "key.pem"), key, { mode: 0o600 })
      await fs.writeFile(path.join(folder, "nginx.conf"), configuration(folder, port))
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn(file, ["-c", path.join(folder, "nginx.conf"), "-p", folder], { stdio: "ignore" })),
      (child) =>
        Effect.callback<void>((resume) => {
          child.once("exit", () => resume(Effect.void))
          // In order, so that its workers end too.
          if (!child.kill("SIGTERM")) resume(Effect.void)
        })
    )
    yield* isOpen(port).pipe(
      Effect.repeat({ until: (open) => open, schedule: Schedule.spaced("20 millis") }),
      Effect.timeout("10 seconds")
    )
    return `127.0.0.1:${port}`
  })
