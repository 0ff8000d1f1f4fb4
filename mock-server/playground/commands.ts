/** What a person types to start this server, and to have it whole: in a clone another thing than where the package is installed. */

type Commands = {
  /** Flags go behind it. */
  readonly start: string;
  readonly install: string;
};

/** `moduleUrl`: of any of our modules; only the package has them compiled. */
export function commandsOf(moduleUrl: string): Commands {
  return moduleUrl.endsWith(".ts")
    ? { start: "npm start --", install: "npm install" }
    : { start: "npx lucy-testkit mock", install: "npm install lucy-testkit" };
}
