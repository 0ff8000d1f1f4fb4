/** Whether files can be written, found out before anything is measured: afterwards it would cost the run. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { runsFolder } from "../reports/store.ts";
import { tryFile } from "../reports/try-file.ts";

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

function whyNot(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
