/** The client `command`: any driver that a command line starts. `--client-command "python my_driver.py"` */
import type { Client } from "../client.ts";
import type { Clock } from "../clock.ts";
import { openStdioDriver } from "./stdio-driver.ts";

/** @throws Error with a sentence when the command cannot be read */
export function commandClient(commandLine: string, clock: Clock): Client {
  const [command, ...args] = splitCommand(commandLine);
  return {
    name: "command",
    typed: `--client-command ${JSON.stringify(commandLine)}`,
    open: () => openStdioDriver({ command, args, name: "command", clock }),
    close: async () => {},
  };
}

/**
 * The words of a command line, as a shell has them: quotes keep a word together. There is no shell, so nothing else means anything: no `$HOME`, no
 * `|`. A backslash counts only before a blank, a quote or another, so that paths of Windows stay whole. @throws Error with a sentence
 */
export function splitCommand(line: string): [command: string, ...args: string[]] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    const next = line[at + 1] ?? "";
    if (char === "\\" && quote !== "'" && /[\s"'\\]/.test(next)) {
      word = (word ?? "") + next;
      at++;
    } else if (quote === "" ? /["']/.test(char) : char === quote) {
      quote = quote === "" ? char : "";
      word ??= "";
    } else if (quote === "" && /\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") throw new Error(`The command ${line} opens a quote ${quote} and does not close it.`);
  if (word !== null) words.push(word);
  const [command, ...args] = words;
  if (!command)
    throw new Error('The command is empty. Name a driver: --client-command "python my_driver.py".');
  return [command, ...args];
}
