/** The page at `/`, its script, and published SDKs for it. */
import { readFile } from "node:fs/promises";
import express from "express";
import { bundle, bundleSdk, sdkVersions } from "../playground/bundle.ts";

const folder = new URL("../playground/", import.meta.url);

export function playground(): express.Router {
  const router = express.Router();
  router.get("/", async (_request, response) => {
    response.type("html").send(await readFile(new URL("index.html", folder), "utf8"));
  });
  router.get("/_lucy/page.css", async (_request, response) => {
    response.type("css").send(await readFile(new URL("page.css", folder), "utf8"));
  });
  router.get("/_lucy/page.js", async (_request, response) => {
    response.type("js").send(await bundle(new URL("page.ts", folder)));
  });
  for (const version of sdkVersions) {
    router.get(`/_lucy/sdk/${version}.js`, async (_request, response) => {
      response.type("js").send(await bundleSdk(version));
    });
  }
  return router;
}
