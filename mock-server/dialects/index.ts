/** The list of dialects; a socket's first message picks one. */
import type { Dialect } from "./dialect.ts";
import { direct } from "./direct.ts";

/** Every dialect a socket can begin with. */
export const dialects: readonly Dialect[] = [direct];
