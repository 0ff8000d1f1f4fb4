/** Whether files can be written, found out before anything is run for them: afterwards it would cost the run. */
import { accessSync, closeSync, constants, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { runsFolder } from "./store.ts";

/** By the flag that names them; `undefined`: nobody asked for it. Leaves no new file. @throws Error with a sentence for each that cannot be written */
export function checkWritable(files: Readonly<Record<string, string | undefined>>): void {
  const troubles = Object.entries(files).flatMap(([flag, path]) => {
    const why = path === undefined ? null : whyNot(() => tryFile(path));
    return why === null ? [] : [`${flag} cannot be written: ${why}. Name a file in a folder that is there.`];
  });
  if (troubles.length > 0) throw new Error(troubles.join("\n"));
}

/** The folder that runs are kept in. @throws Error with a sentence where it cannot be written to */
export function checkRunsFolder(runs = runsFolder): void {
  const why = whyNot(() => {
    mkdirSync(runs, { recursive: true });
    accessSync(runs, constants.W_OK);
  });
  if (why === null) return;
  throw new Error(
    `Runs are kept in ${resolve(runs)}, which cannot be written to: ${why}. Begin in another folder.`,
  );
}

/** @throws Error as the system says it */
function tryFile(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  // To open a pipe waits for its reader.
  if (status && !status.isFile() && !status.isDirectory()) return accessSync(path, constants.W_OK);
  closeSync(openSync(path, "a"));
  if (!status) rmSync(path);
}

function whyNot(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
