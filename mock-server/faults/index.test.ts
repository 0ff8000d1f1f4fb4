import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defectsOf } from "./catalogue.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./index.ts";
import { readMoment } from "./moments.ts";

const folder = import.meta.dirname;
const root = join(folder, "..");
const source = (path: string) => readFileSync(path, "utf8");
const camelCase = (name: string) => name.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase());

/** Files that export a fault, and the names that they give it. */
const files = readdirSync(folder)
  .filter((file) => /^[a-z][\w-]*[.]ts$/.test(file))
  .flatMap((file) => {
    const exported = [...source(join(folder, file)).matchAll(/^export const (\w+) = defineFault\(/gm)];
    return exported.map(([, name]) => ({ file, name: name! }));
  });

/** Where tests get a client from: a socket, WebRTC, rtc-node, a published SDK. */
const clients = /from "[./\w]*\b(_(socket|control|signal|media|rtc)-client|lucy-test)[.]ts"/;
const tests = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => /faults.*[.](test|spec)[.]ts$/.test(file))
  .map((file) => source(join(root, file)));

/** Those that no test with a client in it names: what gates do to items that a test has made shows them to nobody. */
function unshown(all: readonly { name: string }[], texts: readonly string[]): string[] {
  const shown = texts.filter((text) => clients.test(text)).join("\n");
  // Quoted, or as a key that brings it along.
  return all.map(({ name }) => name).filter((name) => !new RegExp(`["'\`:]${name}["'\`]`).test(shown));
}

describe("the list of faults", () => {
  test("has none that lies about itself", () => {
    expect(defectsOf(faults)).toEqual([]);
  });

  test("is in the order of their names", () => {
    const names = faults.map(({ name }) => name);
    const plain = (name: string) => name.replaceAll("-", "");
    expect(names).toEqual(names.toSorted((a, b) => (plain(a) < plain(b) ? -1 : 1)));
  });

  test("has a file for each, of its name, and each file in it", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.map(({ file }) => file).toSorted()).toEqual(
      faults.map(({ name }) => `${name}.ts`).toSorted(),
    );
    for (const { file, name } of files) expect(name).toBe(camelCase(file.replace(".ts", "")));
  });

  test("has none that no test shows to a client", () => {
    const given = [{ name: "seen" }, { name: "unseen" }];
    const named = ['{ name: "unseen" }', 'import { openSocket } from "../_socket-client.ts"; "mock:seen"'];
    expect(unshown(given, named)).toEqual(["unseen"]);
    expect(unshown(faults, tests)).toEqual([]);
  });

  test("puts them at moments only, and at such as their channel has", () => {
    const at = ({ name, places }: Fault) => places.map((place) => [name, place.at] as const);
    for (const [name, moment] of faults.flatMap(at)) {
      if (moment !== undefined) expect(readMoment(moment), `${name} at ${moment}`).not.toBeNull();
    }
  });
});
