/** Whether a file can be written, found out before what it is for: leaves no new file. */
import { accessSync, closeSync, constants, openSync, rmSync, statSync } from "node:fs";

/** @throws Error as the system says it */
export function tryFile(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  // To open a pipe waits for its reader.
  if (status && !status.isFile() && !status.isDirectory()) return accessSync(path, constants.W_OK);
  closeSync(openSync(path, "a"));
  if (!status) rmSync(path);
}
