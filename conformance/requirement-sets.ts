/** Frozen lists of scenarios, so that "conforms to" means something later. An id that was released in a set stays in it. */
export const requirementSets: Readonly<Record<string, readonly string[]>> = {};

/** The names of the sets that a scenario is in. */
export function setsOf(id: string): string[] {
  return Object.entries(requirementSets)
    .filter(([, ids]) => ids.includes(id))
    .map(([name]) => name);
}
