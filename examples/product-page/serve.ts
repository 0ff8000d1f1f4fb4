/** Serves the app on loopback, in place of your own development server. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { bundle } from "../../fixtures/browser/bundle.ts";

/** Resolves with its address once it answers. */
export async function serveApp(): Promise<AsyncDisposable & { readonly url: string }> {
  const script = await bundle(new URL("app.ts", import.meta.url), {
    alias: { "@decartai/sdk": "decart-sdk-0.1.20" },
  });
  const page = readFileSync(new URL("index.html", import.meta.url));
  const server = createServer(({ url }, response) => {
    const isScript = url === "/app.js";
    response
      .writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" })
      .end(isScript ? script : page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
