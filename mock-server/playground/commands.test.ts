import { expect, it } from "vitest";
import { commandsOf } from "./commands.ts";

it.each([
  ["file:///clone/mock-server/playground/offer.ts", "npm start --", "npm install"],
  [
    "file:///app/node_modules/lucy-testkit/dist/mock-server/playground/offer.js",
    "npx lucy-testkit mock",
    "npm install lucy-testkit",
  ],
])("where %s runs, a person types %s", (moduleUrl, start, install) => {
  expect(commandsOf(moduleUrl)).toEqual({ start, install });
});
