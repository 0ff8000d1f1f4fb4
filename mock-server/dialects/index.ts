import type { Dialect } from "./dialect.ts";
import { direct } from "./direct.ts";

/** Every dialect a socket can begin with. */
export const dialects: readonly Dialect[] = [direct];
