/** What is said where a test runner is not installed: one sentence, with what to type. */

/** The error to throw in place of what importing `name` threw. */
export function missingPeer(name: string, subpath: string, error: unknown): unknown {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  const isMissing =
    (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && message.includes(`'${name}'`);
  if (!isMissing) return error;
  const told = new Error(
    `lucy-testkit/${subpath} needs ${name}, which is not installed. Run npm install --save-dev ${name}.`,
  );
  // Whoever imports it without a runner sees the stack and the cause first, and neither says more.
  told.stack = `Error: ${told.message}`;
  return told;
}
