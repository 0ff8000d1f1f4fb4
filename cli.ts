#!/usr/bin/env node
/**
 * `lucy-testkit …`: each area brings its own command; this file only lists them. It has to be read by a Node that is too old for the rest, so that it
 * can say so: nothing is imported before.
 */
const oldest = "22.18";
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const [oldestMajor = 0, oldestMinor = 0] = oldest.split(".").map(Number);

if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(
    `lucy-testkit needs Node ${oldest} or newer, and this is ${process.versions.node}: install a newer one from https://nodejs.org, then run this again.`,
  );
  process.exitCode = 1;
} else {
  const [
    { Command },
    { conformanceCommand },
    { loadCommand },
    { compareFiles },
    { mockCommand },
    { reportCommand },
  ] = await Promise.all([
    import("commander"),
    import("./conformance/index.ts"),
    import("./load/command.ts"),
    import("./load/compare-files.ts"),
    import("./mock-server/command.ts"),
    import("./reports/command.ts"),
  ]);
  await new Command("lucy-testkit")
    .description("Test harness and mock server for Decart's realtime video API, Lucy 2.")
    .version(await version(), "--version", "Print the version.")
    // What stands behind a command is for that command.
    .enablePositionalOptions()
    .addCommand(mockCommand())
    .addCommand(conformanceCommand())
    .addCommand(loadCommand())
    .addCommand(reportCommand(compareFiles))
    .parseAsync();
}

async function version(): Promise<string> {
  const [{ findPackageJSON }, { readFileSync }] = await Promise.all([
    import("node:module"),
    import("node:fs"),
  ]);
  return JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, "utf8")).version;
}
