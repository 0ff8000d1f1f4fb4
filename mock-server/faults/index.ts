/** The list of faults; a fault that is not here does not exist. */
import { drop } from "./drop.ts";
import type { Fault } from "./fault.ts";
import { nothing } from "./nothing.ts";

export const faults: readonly Fault[] = [nothing, drop] as unknown as readonly Fault[];
