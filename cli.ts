#!/usr/bin/env node
/** `lucy-testkit …`: each area brings its own command; this file only lists them. */
import { Command } from "commander";
import { conformanceCommand } from "./conformance/index.ts";
import { loadCommand } from "./load/command.ts";
import { mockCommand } from "./mock-server/command.ts";
import { reportCommand } from "./reports/command.ts";

await new Command("lucy-testkit")
  .description("Test harness and mock server for Decart's realtime video API, Lucy 2.")
  // What stands behind a command is for that command.
  .enablePositionalOptions()
  .addCommand(mockCommand())
  .addCommand(conformanceCommand())
  .addCommand(loadCommand())
  .addCommand(reportCommand())
  .parseAsync();
