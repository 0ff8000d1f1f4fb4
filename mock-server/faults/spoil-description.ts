/** What becomes of a description of ours on its way to the client. */
import type { DescriptionItem } from "./fault.ts";
import type { Plan } from "./plan.ts";

export function spoilDescription(plan: Plan, sdp: string): string {
  let told = sdp;
  const item = { direction: "to-client", kind: "description", sdp } as const;
  plan.pass("ice", item, (out) => {
    told = (out as DescriptionItem).sdp;
  });
  return told;
}
