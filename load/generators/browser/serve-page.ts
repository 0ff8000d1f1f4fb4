/**
 * Where pages are loaded from: HTTP on loopback. Not from Playwright's own answers, which Chromium takes for those of the open internet: from
 * there nobody may open a socket to this machine.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type PageServer = {
  /** `http://127.0.0.1:40123` */
  readonly origin: string;
  close(): Promise<void>;
};

const html = `<!doctype html><meta charset="utf-8"><title>lucy-testkit</title><link rel="icon" href="data:,">
<body><script type="module" src="/page.js"></script></body>`;

/** `scriptOf`: makes the script at a path, or says that there is none. Every other path is the page. */
export async function servePage(
  scriptOf: (path: string) => Promise<string> | undefined,
): Promise<PageServer> {
  const server = createServer(async ({ url = "/" }, response) => {
    try {
      const script = await scriptOf(url);
      const type = script === undefined ? "text/html" : "text/javascript";
      response.writeHead(200, { "content-type": type }).end(script ?? html);
    } catch (error) {
      // The page's import fails with it, and open() with that.
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
