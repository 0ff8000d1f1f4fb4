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
  const { Command } = await import("commander");
  const commands = new Map<string, () => Promise<InstanceType<typeof Command>>>([
    ["mock", async () => (await import("./mock-server/command.ts")).mockCommand()],
    ["conformance", async () => (await import("./conformance/index.ts")).conformanceCommand()],
    ["load", async () => (await import("./load/command.ts")).loadCommand()],
    [
      "report",
      async () => {
        const { compareFiles } = await import("./load/compare-files.ts");
        return (await import("./reports/command.ts")).reportCommand(compareFiles);
      },
    ],
  ]);
  const program = new Command("lucy-testkit")
    .description("Test harness and mock server for Decart's realtime video API, Lucy 2.")
    .version(await version(), "--version", "Print the version.")
    // What stands behind a command is for that command.
    .enablePositionalOptions();
  // A server need not wait for what judges clients: that one alone, or all where none is named.
  const asked = commands.get(process.argv[2] ?? "");
  for (const open of asked ? [asked] : commands.values()) program.addCommand(await open());
  await program.parseAsync();
}

async function version(): Promise<string> {
  const [{ findPackageJSON }, { readFileSync }] = await Promise.all([
    import("node:module"),
    import("node:fs"),
  ]);
  return JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, "utf8")).version;
}
