/** The list of dialects; a socket's first message picks one. */
import type { Dialect } from "./dialect.ts";
import { direct } from "./direct.ts";
import { livekit } from "./livekit.ts";

/** Every dialect a socket can begin with. */
export const dialects: readonly Dialect[] = [livekit, direct];
