/** How vitest runs the tests that lie beside the code: every one once, an unhandled error fails the run. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.cache/**", "**/runs/**"],
    // Processes, not threads: codecs are native and run in worker threads of their own.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A test that passes the second time has still failed.
    retry: 0,
  },
});
